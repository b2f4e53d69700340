/* Uses the installed library the way a deployed C program does. */
#include <prune/context.h>
#include <prune/image.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    prune_context *context = NULL;
    prune_image image;
    if (prune_context_create(&context, NULL) != PRUNE_OK) {
        (void)fprintf(stderr, "%s\n", prune_last_error());
        return 1;
    }
    (void)printf("libprune %s, %d threads, %s\n", prune_version(), prune_context_threads(context),
                 prune_context_isa(context));
    /* A failure must come back as a status with a message, not end the program. */
    prune_status status = prune_image_read(&image, context, "no-such-image.png");
    if (status != PRUNE_E_IO || !strstr(prune_last_error(), "no-such-image.png")) {
        (void)fprintf(stderr, "unexpected: %s: %s\n", prune_status_name(status),
                      prune_last_error());
        return 1;
    }
    prune_context_free(context);
    return 0;
}
