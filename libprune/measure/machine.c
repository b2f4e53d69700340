/* What measured: processor and memory in a line. */
#include <prune/measure.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The first "model name" of /proc/cpuinfo; ARM kernels have none and get the architecture. */
static void processor_name(char *name, size_t size)
{
    char line[256];
    struct utsname system;
    FILE *file = fopen("/proc/cpuinfo", "r");
    name[0] = '\0';
    while (file && name[0] == '\0' && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0) continue;
        colon += 1 + strspn(colon + 1, " \t");
        (void)snprintf(name, size, "%.*s", (int)strcspn(colon, "\r\n"), colon);
    }
    if (file) (void)fclose(file);
    if (name[0] == '\0')
        (void)snprintf(name, size, "%s processor",
                       uname(&system) == 0 ? system.machine : "unknown");
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < 32 || (unsigned char)*c > 126) *c = '?';
}

void prune_machine_describe(char *text, size_t size)
{
    char name[128];
    processor_name(name, sizeof name);
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    (void)snprintf(text, size, "%s, %ld processor%s, %.1f GB of memory", name,
                   processors > 0 ? processors : 1, processors > 1 ? "s" : "", 1e-9 * bytes);
}
