/* What was cut, drawn over what there was. */
#include "pipelines/report/page.h"
#include "pipelines/report/report.h"
#include "pipelines/report/svg.h"

#include <stdlib.h>
#include <string.h>

typedef struct kind {
    const char *name, *title;
    bool columns; /* one per block, else rows with names */
} kind;

static const kind kinds[] = {
    {"head", "attention heads", true},
    {"qk", "query/key width of all heads", true},
    {"neuron", "MLP neurons", true},
    {"residual", "residual stream, channels", false},
    {"channel", "convolutions, channels", false},
};

static double units_of(const json_t *spaces, const char *name)
{
    const json_t *space;
    size_t i;
    json_array_foreach(spaces, i, space) if (strcmp(report_word(space, "name"), name) ==
                                             0) return report_number(space, "units");
    return 0; /* gone with its branch */
}

static size_t collect(svg_part *parts, const json_t *before, const json_t *after, const char *name)
{
    const json_t *space;
    size_t i, count = 0;
    json_array_foreach(before, i, space)
    {
        if (strcmp(report_word(space, "kind"), name) != 0 || report_at(space, "locked")) continue;
        const char *label = report_word(space, "name");
        parts[count++] = (svg_part){label, report_number(space, "units"), units_of(after, label)};
    }
    return count;
}

static bool was_cut(const json_t *before, const json_t *after)
{
    const json_t *space;
    size_t i;
    json_array_foreach(before, i, space) if (units_of(after, report_word(space, "name")) <
                                             report_number(space, "units")) return true;
    return false;
}

/* Whether both are shapes of one network: other networks share next to no names. */
static bool is_same_network(const json_t *before, const json_t *after)
{
    const json_t *space;
    size_t i, shared = 0;
    json_array_foreach(before, i, space) shared += units_of(after, report_word(space, "name")) > 0;
    return 2 * shared >= json_array_size(before) && json_array_size(after) > 0;
}

void page_network(text *t, const json_t *report)
{
    const json_t *before = report_at(report, "network.before.spaces"),
                 *after = report_at(report, "network.after.spaces");
    const size_t most = json_array_size(before);
    if (!is_same_network(before, after)) return;
    text_add(t, "<h2>What was cut</h2>");
    if (!was_cut(before, after)) {
        text_add(t, "<p>Nothing: the network has the shape that it came with.</p>\n");
        return;
    }
    svg_part *parts = calloc(most, sizeof *parts);
    text_add(t, "<p class=small>Outline: before. Filled, and the number: what is left.</p>"
                "<div class=charts>");
    for (size_t k = 0; parts && k < sizeof kinds / sizeof *kinds; k++) {
        const size_t count = collect(parts, before, after, kinds[k].name);
        if (count == 0) continue;
        if (kinds[k].columns)
            svg_columns(t, kinds[k].title, "block", parts, count);
        else
            svg_parts(t, kinds[k].title, parts, count);
    }
    text_add(t, "</div>\n");
    free(parts);
}
