#include <prune/model.h>
#include <stdlib.h>

/* Texts handed out by the library come from malloc (jansson's dumps do). */
void prune_text_free(char *text)
{
    free(text);
}
