#include "libprune/passes/spaces.h"

#include "libprune/base/random.h"
#include "libprune/ops/ops.h"
#include "libprune/passes/shapes.h"

#include <prune/sys/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pr_space_kind_name(pr_space_kind kind)
{
    static const char *const names[PR_SPACE_KIND_COUNT] = {"head", "qk", "neuron", "channel",
                                                           "residual"};
    return names[kind];
}

/* Work in progress: the sets of slots, then their grouping into spaces. */
typedef struct pr_space_builder {
    prune_context *ctx;
    const prune_model *model;
    pr_spaces *spaces;
    int64_t n_slots;
    int32_t *parent; /* [n_slots] union-find; roots are their own parent and the smallest slot */
    uint64_t *key;   /* [n_slots] at roots: hash of the values that the set touches */
    int32_t *space;  /* [n_slots] at roots: index of the space */
    int32_t *unit;   /* [n_slots] at roots: index of the unit inside the space */
    uint8_t *locked; /* [n_slots] at roots: 1 network input, 2 network output */
} pr_space_builder;

static int32_t find(const pr_space_builder *b, int32_t slot)
{
    while (b->parent[slot] != slot) {
        b->parent[slot] = b->parent[b->parent[slot]];
        slot = b->parent[slot];
    }
    return slot;
}

static void join(const pr_space_builder *b, int64_t x, int64_t y)
{
    int32_t a = find(b, (int32_t)x), c = find(b, (int32_t)y);
    if (a < c)
        b->parent[c] = a;
    else
        b->parent[a] = c;
}

static int64_t slot_of(const pr_space_builder *b, int32_t value, int64_t channel)
{
    return b->spaces->slots[value] + channel;
}

/* Grouped convolution, I inputs and O outputs in G groups. One input channel per group: removing
 * it removes its group, outputs included (depthwise when O = I). Otherwise the j-th channel of
 * every group goes together, so that the groups stay equally wide. */
static void join_grouped(const pr_space_builder *b, int32_t node, int32_t input, int32_t groups)
{
    const int32_t in = b->spaces->channels[input], out = b->spaces->channels[node];
    const int32_t in_width = in / groups, out_width = out / groups;
    if (in_width == 1) {
        for (int32_t o = 0; o < out; o++)
            join(b, slot_of(b, input, o / out_width), slot_of(b, node, o));
        return;
    }
    for (int32_t i = in_width; i < in; i++)
        join(b, slot_of(b, input, i % in_width), slot_of(b, input, i));
    for (int32_t o = out_width; o < out; o++)
        join(b, slot_of(b, node, o % out_width), slot_of(b, node, o));
}

/* q_d with k_d of the same head; all of a head's v with all of its output. */
static void join_attention(const pr_space_builder *b, int32_t node)
{
    const pr_node *n = &b->model->nodes[node];
    for (int32_t c = 0; c < b->spaces->channels[n->inputs[0]]; c++)
        join(b, slot_of(b, n->inputs[0], c), slot_of(b, n->inputs[1], c));
    for (int32_t c = 0; c < b->spaces->channels[node]; c++) {
        const int32_t head = c - c % n->attrs.v_width;
        join(b, slot_of(b, node, head), slot_of(b, node, c));
        join(b, slot_of(b, node, head), slot_of(b, n->inputs[2], c));
    }
}

static void join_node(const pr_space_builder *b, int32_t node)
{
    const pr_node *n = &b->model->nodes[node];
    const pr_op_info *info = pr_op_get(n->op);
    const int32_t inputs = info->value_inputs > 0 && info->value_inputs < n->n_inputs
                               ? info->value_inputs
                               : n->n_inputs;
    int32_t offset = 0;
    switch (info->relation) {
    case PR_RELATION_NONE:
        break;
    case PR_RELATION_SAME:
        for (int32_t j = 0; j < inputs; j++)
            for (int32_t c = 0; c < b->spaces->channels[node]; c++)
                join(b, slot_of(b, n->inputs[j], c), slot_of(b, node, c));
        break;
    case PR_RELATION_CONCAT:
        for (int32_t j = 0; j < inputs; j++) {
            const int32_t width = b->spaces->channels[n->inputs[j]];
            for (int32_t c = 0; c < width; c++)
                join(b, slot_of(b, n->inputs[j], c), slot_of(b, node, offset + c));
            offset += width;
        }
        break;
    case PR_RELATION_GROUPED:
        if (n->attrs.groups > 1) join_grouped(b, node, n->inputs[0], n->attrs.groups);
        break;
    case PR_RELATION_ATTENTION:
        join_attention(b, node);
        break;
    }
}

static void lock_value(pr_space_builder *b, int32_t value, uint8_t why)
{
    for (int32_t c = 0; c < b->spaces->channels[value]; c++)
        b->locked[find(b, (int32_t)slot_of(b, value, c))] = why;
}

/* Gives every set the key of the values that it touches (with repetition), in order. */
static void make_keys(pr_space_builder *b)
{
    for (int32_t v = 0; v < b->spaces->n_nodes; v++)
        for (int32_t c = 0; c < b->spaces->channels[v]; c++) {
            const int32_t root = find(b, (int32_t)slot_of(b, v, c));
            b->key[root] = pr_hash_u64(b->key[root] ^ (uint64_t)(v + 1));
        }
}

/* Sets with equal keys form a space. Spaces come in the order of their first slot. */
static prune_status group_units(pr_space_builder *b)
{
    pr_spaces *s = b->spaces;
    size_t capacity = 0;
    for (int64_t slot = 0; slot < b->n_slots; slot++) {
        if (b->parent[slot] != (int32_t)slot) continue;
        int32_t index = 0;
        while (index < s->count && b->key[b->space[index]] != b->key[slot]) index++;
        /* space[i] for i < count doubles as "first root of space i" while grouping: i <= slot. */
        if (index == s->count) {
            PR_TRY(pr_grow(b->ctx, (void **)&s->items, &capacity, (size_t)s->count + 1,
                           sizeof *s->items));
            memset(&s->items[s->count], 0, sizeof *s->items);
            s->items[s->count].kind = PR_SPACE_CHANNEL;
            s->items[s->count].attention = PR_NONE;
            s->items[s->count].groups = 1;
            b->space[s->count++] = (int32_t)slot;
        }
        b->unit[slot] = s->items[index].n_units++;
        if (b->locked[slot])
            s->items[index].locked = b->locked[slot] == 1 ? "network input" : "network output";
    }
    return PRUNE_OK;
}

/* After grouping: space[root] = index of its space. */
static prune_status number_spaces(pr_space_builder *b)
{
    pr_spaces *s = b->spaces;
    uint64_t *keys = NULL;
    PR_TRY(pr_new(b->ctx, (void **)&keys, (size_t)s->count, sizeof *keys));
    for (int32_t i = 0; i < s->count; i++) keys[i] = b->key[b->space[i]];
    int32_t last = 0;
    for (int64_t slot = 0; slot < b->n_slots; slot++) {
        if (b->parent[slot] != (int32_t)slot) continue;
        if (keys[last] != b->key[slot])
            for (last = 0; keys[last] != b->key[slot];) last++;
        b->space[slot] = last;
    }
    pr_free(b->ctx, keys);
    return PRUNE_OK;
}

/* Ensures that a head space exists for this attention and that q and k form a width space;
 * returns the index of the head space through *head and of the q/k space through *qk. */
static void classify_attention(pr_space_builder *b, int32_t node, int32_t *head, int32_t *qk)
{
    const pr_node *n = &b->model->nodes[node];
    *head = b->space[find(b, (int32_t)slot_of(b, node, 0))];
    *qk = b->space[find(b, (int32_t)slot_of(b, n->inputs[0], 0))];
    pr_space *h = &b->spaces->items[*head], *w = &b->spaces->items[*qk];
    if (h->attention == PR_NONE && h->n_units == n->attrs.heads) {
        h->kind = PR_SPACE_HEAD;
        h->attention = node;
    } else {
        h->locked = "heads are tied to something else";
    }
    if (w->attention == PR_NONE && w->n_units == n->attrs.heads * n->attrs.qk_width) {
        w->kind = PR_SPACE_QK;
        w->attention = node;
        w->groups = n->attrs.heads;
    } else {
        w->locked = h->locked = "q and k are tied to something else";
    }
}

/* Counts (count != NULL) or writes the runs of every unit. Runs of one unit come in slot order. */
static void walk_runs(pr_space_builder *b, bool write)
{
    pr_spaces *s = b->spaces;
    for (int32_t v = 0; v < s->n_nodes; v++) {
        int32_t c = 0;
        while (c < s->channels[v]) {
            const int32_t root = find(b, (int32_t)slot_of(b, v, c));
            int32_t end = c + 1;
            while (end < s->channels[v] && find(b, (int32_t)slot_of(b, v, end)) == root) end++;
            pr_space *space = &s->items[b->space[root]];
            /* run_begin[u] is the write position of unit u; shifted back by finish_runs. */
            if (write)
                space->runs[space->run_begin[b->unit[root]]] = (pr_channel_run){v, c, end - c};
            space->run_begin[b->unit[root] + (write ? 0 : 1)]++;
            c = end;
        }
    }
}

/* The q and k channels of each head belong to the head's unit as well. */
static void walk_head_runs(pr_space_builder *b, bool write)
{
    for (int32_t i = 0; i < b->spaces->count; i++) {
        pr_space *space = &b->spaces->items[i];
        if (space->kind != PR_SPACE_HEAD) continue;
        const pr_node *n = &b->model->nodes[space->attention];
        for (int32_t h = 0; h < space->n_units; h++) {
            const int32_t root =
                find(b, (int32_t)slot_of(b, space->attention, (int64_t)h * n->attrs.v_width));
            const int32_t u = b->unit[root], width = n->attrs.qk_width;
            for (int32_t j = 0; j < 2; j++) {
                if (write)
                    space->runs[space->run_begin[u]] =
                        (pr_channel_run){n->inputs[j], h * width, width};
                space->run_begin[u + (write ? 0 : 1)]++;
            }
        }
    }
}

static prune_status make_runs(pr_space_builder *b)
{
    pr_spaces *s = b->spaces;
    for (int32_t i = 0; i < s->count; i++) {
        s->items[i].run_begin = pr_calloc(b->ctx, (size_t)s->items[i].n_units + 1, sizeof(int32_t));
        if (!s->items[i].run_begin) return PRUNE_E_MEMORY;
    }
    walk_runs(b, false);
    walk_head_runs(b, false);
    for (int32_t i = 0; i < s->count; i++) {
        pr_space *space = &s->items[i];
        for (int32_t u = 0; u < space->n_units; u++) space->run_begin[u + 1] += space->run_begin[u];
        PR_TRY(pr_new(b->ctx, (void **)&space->runs, (size_t)space->run_begin[space->n_units],
                      sizeof *space->runs));
    }
    walk_runs(b, true);
    walk_head_runs(b, true);
    for (int32_t i = 0; i < s->count; i++) {
        pr_space *space = &s->items[i];
        for (int32_t u = space->n_units; u > 0; u--) space->run_begin[u] = space->run_begin[u - 1];
        space->run_begin[0] = 0;
    }
    return PRUNE_OK;
}

static bool is_depthwise(const pr_spaces *s, const pr_node *n)
{
    return n->op == PR_OP_CONV && n->attrs.groups > 1 &&
           s->channels[n->inputs[0]] == n->attrs.groups;
}

static bool makes_channels(const pr_node *n)
{
    return n->op == PR_OP_CONV || n->op == PR_OP_CONV_TRANSPOSE || n->op == PR_OP_LINEAR;
}

/* Does the space touch this value? The first unit stands for all: units share their values. */
static bool touches(const pr_space *space, int32_t value)
{
    for (int32_t r = 0; r < space->run_begin[1]; r++)
        if (space->runs[r].value == value) return true;
    return false;
}

static prune_status list_nodes(pr_space_builder *b, pr_space *space)
{
    const pr_spaces *s = b->spaces;
    int32_t *list = NULL;
    PR_TRY(pr_new(b->ctx, (void **)&list, 2 * (size_t)s->n_nodes, sizeof *list));
    space->producers = list;
    space->consumers = list + s->n_nodes;
    for (int32_t v = 0; v < s->n_nodes; v++) {
        const pr_node *n = &b->model->nodes[v];
        if (!makes_channels(n)) continue;
        if (touches(space, v)) space->producers[space->n_producers++] = v;
        if (!is_depthwise(s, n) && touches(space, n->inputs[0]))
            space->consumers[space->n_consumers++] = v;
    }
    return PRUNE_OK;
}

static pr_space_kind kind_of(const pr_space_builder *b, const pr_space *space)
{
    if (space->attention != PR_NONE) return space->kind;
    bool norm = false, add = false, linear = space->n_producers > 0;
    for (int32_t r = 0; r < space->run_begin[1]; r++) {
        const pr_op_kind op = b->model->nodes[space->runs[r].value].op;
        norm = norm || op == PR_OP_LAYER_NORM;
        add = add || op == PR_OP_ADD;
    }
    for (int32_t i = 0; i < space->n_producers; i++)
        linear = linear && b->model->nodes[space->producers[i]].op == PR_OP_LINEAR;
    if (norm && add) return PR_SPACE_RESIDUAL;
    return linear ? PR_SPACE_NEURON : PR_SPACE_CHANNEL;
}

/* Two at a time; wide layers more, about a thirty-second, a power of 2. */
static int32_t granularity_of(const pr_space *space)
{
    if (space->kind == PR_SPACE_HEAD) return 1;
    const int32_t width = space->n_units / space->groups;
    int32_t step = width < 8 ? 1 : 2;
    while (step * 2 <= width / 32 && step < 64) step *= 2;
    return step;
}

static prune_status describe_space(pr_space_builder *b, pr_space *space)
{
    PR_TRY(list_nodes(b, space));
    space->kind = kind_of(b, space);
    space->granularity = granularity_of(space);
    const char *suffix = "";
    int32_t node = space->n_producers > 0 ? space->producers[0] : space->runs[0].value;
    if (space->attention != PR_NONE) {
        node = space->attention;
        suffix = space->kind == PR_SPACE_HEAD ? ".heads" : ".qk";
    }
    char name[512];
    (void)snprintf(name, sizeof name, "%s%s", b->model->nodes[node].name, suffix);
    space->name = pr_strdup(b->ctx, name);
    if (!space->name) return PRUNE_E_MEMORY;
    if (!space->locked && space->n_units / space->groups < 2) space->locked = "a single unit";
    return PRUNE_OK;
}

static prune_status measure(pr_spaces *s, const prune_model *model, int32_t height, int32_t width)
{
    prune_context *ctx = s->ctx;
    pr_shape *shapes = NULL;
    prune_status status = PRUNE_OK;
    int64_t own_height = height, own_width = width;
    if (height == 0 || width == 0) pr_model_input_size(model, &own_height, &own_width);
    PR_TRY(pr_new(ctx, (void **)&shapes, (size_t)model->n_nodes, sizeof *shapes));
    PR_GO(pr_shapes_infer(model, 1, own_height, own_width, shapes));
    PR_GO(pr_new(ctx, (void **)&s->channels, (size_t)model->n_nodes, sizeof *s->channels));
    PR_GO(pr_new(ctx, (void **)&s->slots, (size_t)model->n_nodes + 1, sizeof *s->slots));
    PR_GO(pr_new(ctx, (void **)&s->macs, (size_t)model->n_nodes, sizeof *s->macs));
    s->slots[0] = 0;
    for (int32_t v = 0; v < model->n_nodes; v++) {
        s->channels[v] = (int32_t)pr_shape_last(&shapes[v]);
        s->slots[v + 1] = s->slots[v] + s->channels[v];
        s->macs[v] = pr_node_macs(model, shapes, v);
    }
    if (s->slots[model->n_nodes] > INT32_MAX)
        status = pr_fail(PRUNE_E_UNSUPPORTED, "the model has too many channels to plan a cut");
done:
    pr_free(ctx, shapes);
    return status;
}

static prune_status build(pr_space_builder *b)
{
    pr_spaces *s = b->spaces;
    b->n_slots = s->slots[s->n_nodes];
    const size_t n = (size_t)b->n_slots;
    PR_TRY(pr_new(b->ctx, (void **)&b->parent, n, sizeof *b->parent));
    PR_TRY(pr_new(b->ctx, (void **)&b->space, n, sizeof *b->space));
    PR_TRY(pr_new(b->ctx, (void **)&b->unit, n, sizeof *b->unit));
    b->key = pr_calloc(b->ctx, n, sizeof *b->key);
    b->locked = pr_calloc(b->ctx, n, 1);
    if (!b->key || !b->locked) return PRUNE_E_MEMORY;
    for (int64_t i = 0; i < b->n_slots; i++) b->parent[i] = (int32_t)i;
    for (int32_t v = 0; v < s->n_nodes; v++) join_node(b, v);
    for (int32_t v = 0; v < s->n_nodes; v++)
        if (b->model->nodes[v].op == PR_OP_INPUT) lock_value(b, v, 1);
    for (int32_t i = 0; i < b->model->n_outputs; i++) lock_value(b, b->model->outputs[i].node, 2);
    make_keys(b);
    PR_TRY(group_units(b));
    PR_TRY(number_spaces(b));
    for (int32_t v = 0; v < s->n_nodes; v++) {
        int32_t head, qk;
        if (b->model->nodes[v].op == PR_OP_ATTENTION) classify_attention(b, v, &head, &qk);
    }
    PR_TRY(make_runs(b));
    for (int32_t i = 0; i < s->count; i++) {
        PR_TRY(describe_space(b, &s->items[i]));
        s->items[i].first_unit = s->n_units;
        s->n_units += s->items[i].n_units;
    }
    return PRUNE_OK;
}

prune_status pr_spaces_create(pr_spaces *out, const prune_model *model, int32_t height,
                              int32_t width)
{
    pr_spaces spaces = {.ctx = model->ctx, .n_nodes = model->n_nodes};
    pr_space_builder b = {.ctx = model->ctx, .model = model, .spaces = &spaces};
    prune_status status = measure(&spaces, model, height, width);
    if (status == PRUNE_OK) status = build(&b);
    pr_free(b.ctx, b.parent);
    pr_free(b.ctx, b.key);
    pr_free(b.ctx, b.space);
    pr_free(b.ctx, b.unit);
    pr_free(b.ctx, b.locked);
    if (status != PRUNE_OK) {
        pr_spaces_free(&spaces);
        return status;
    }
    *out = spaces;
    return PRUNE_OK;
}

void pr_spaces_free(pr_spaces *spaces)
{
    for (int32_t i = 0; i < spaces->count; i++) {
        pr_space *space = &spaces->items[i];
        pr_free(spaces->ctx, space->name);
        pr_free(spaces->ctx, space->run_begin);
        pr_free(spaces->ctx, space->runs);
        pr_free(spaces->ctx, space->producers); /* consumers stand in the same block */
    }
    pr_free(spaces->ctx, spaces->items);
    pr_free(spaces->ctx, spaces->channels);
    pr_free(spaces->ctx, spaces->slots);
    pr_free(spaces->ctx, spaces->macs);
    memset(spaces, 0, sizeof *spaces);
}

void pr_spaces_mask(const pr_spaces *spaces, const bool *removed, uint8_t *mask)
{
    memset(mask, 0, (size_t)spaces->slots[spaces->n_nodes]);
    for (int32_t i = 0; i < spaces->count; i++) {
        const pr_space *space = &spaces->items[i];
        for (int32_t u = 0; u < space->n_units; u++) {
            if (!removed[space->first_unit + u]) continue;
            for (int32_t r = space->run_begin[u]; r < space->run_begin[u + 1]; r++)
                memset(mask + spaces->slots[space->runs[r].value] + space->runs[r].first, 1,
                       (size_t)space->runs[r].count);
        }
    }
}

static int64_t kept_channels(const pr_spaces *s, const uint8_t *mask, int32_t value)
{
    if (!mask) return s->channels[value];
    int64_t kept = 0;
    for (int64_t i = s->slots[value]; i < s->slots[value + 1]; i++) kept += mask[i] == 0;
    return kept;
}

/* Share of a node's weights and MACs that stays: rows times columns. */
static double weight_share(const pr_spaces *s, const pr_node *n, int32_t node, const uint8_t *mask)
{
    double share = (double)kept_channels(s, mask, node) / (double)s->channels[node];
    if (makes_channels(n) && !is_depthwise(s, n))
        share *= (double)kept_channels(s, mask, n->inputs[0]) / (double)s->channels[n->inputs[0]];
    return share;
}

static uint64_t scaled(uint64_t count, double share)
{
    return (uint64_t)((double)count * share + 0.5);
}

static uint64_t node_macs(const pr_spaces *s, const pr_node *n, int32_t node, const uint8_t *mask)
{
    if (n->op != PR_OP_ATTENTION) return scaled(s->macs[node], weight_share(s, n, node, mask));
    /* q k^T costs q's width, the weighted sum of v the output's. */
    const double now =
        (double)(kept_channels(s, mask, n->inputs[0]) + kept_channels(s, mask, node));
    return scaled(s->macs[node], now / (double)(s->channels[n->inputs[0]] + s->channels[node]));
}

/* A parameter that an earlier node has as well counts there; a cut gives each its own copy. */
static bool counted_before(const prune_model *model, int32_t node, int32_t param)
{
    for (int32_t v = 0; v < node; v++)
        for (int32_t slot = 0; slot < PR_MAX_PARAMS; slot++)
            if (model->nodes[v].params[slot] == param) return true;
    return false;
}

void pr_spaces_cost(const pr_spaces *spaces, const prune_model *model, const uint8_t *mask,
                    const uint8_t *dead, pr_cost *cost)
{
    *cost = (pr_cost){0, 0, 0};
    for (int32_t v = 0; v < spaces->n_nodes; v++) {
        const pr_node *n = &model->nodes[v];
        if (dead && dead[v]) continue;
        cost->macs += node_macs(spaces, n, v, mask);
        const double rows = (double)kept_channels(spaces, mask, v) / (double)spaces->channels[v];
        const double share = weight_share(spaces, n, v, mask);
        for (int32_t slot = 0; slot < PR_MAX_PARAMS; slot++) {
            const pr_tensor *tensor = pr_node_param(model, n, slot);
            if (!tensor) continue;
            if (share == 1 && rows == 1 && counted_before(model, v, n->params[slot])) continue;
            const bool weight = makes_channels(n) && slot == PR_SLOT_WEIGHT;
            const uint64_t count = scaled((uint64_t)pr_tensor_count(tensor), weight ? share : rows);
            uint64_t size = pr_dtype_size(tensor->dtype);
            if (weight && n->precision.compute == PR_COMPUTE_I8) size = 1;
            if (weight && n->precision.compute == PR_COMPUTE_BF16) size = 2;
            cost->params += count;
            cost->bytes += count * size;
        }
    }
}

json_t *pr_spaces_to_json(const pr_spaces *spaces)
{
    uint64_t failures = prune_json_failures();
    json_t *list = json_array();
    for (int32_t i = 0; i < spaces->count; i++) {
        const pr_space *space = &spaces->items[i];
        json_t *item = json_pack("{s:s, s:s, s:i, s:i, s:i}", "name", space->name, "kind",
                                 pr_space_kind_name(space->kind), "units", space->n_units, "groups",
                                 space->groups, "granularity", space->granularity);
        if (item && space->locked) prune_json_set(item, "locked", json_string(space->locked));
        prune_json_append(list, item);
    }
    if (prune_json_failures() == failures) return list;
    json_decref(list);
    return NULL;
}
