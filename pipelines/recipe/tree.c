#include "pipelines/recipe/tree.h"

#include <prune/sys/error.h>
#include <prune/sys/memory.h>
#include <string.h>
#include <yaml.h>

typedef struct builder {
    prune_context *ctx;
    const char *name;
    tree_node *open[TREE_MAX_DEPTH]; /* the containers that we are in */
    int depth;
    char *key; /* read, its value not yet */
    int key_line;
    int nodes;
    int documents;
    tree_node *root, *newest;
} builder;

static int line_of(const yaml_mark_t *mark)
{
    return mark->line < 1 << 30 ? (int)mark->line + 1 : 1 << 30;
}

static char *copy_text(builder *b, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = prune_memory_new(b->ctx, bytes, 1);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

/* Hangs a new node into the container that is open; it takes over the pending key. */
static prune_status add(builder *b, tree_kind kind, int line, tree_node **out)
{
    tree_node *parent = b->depth ? b->open[b->depth - 1] : NULL;
    if (++b->nodes > TREE_MAX_NODES)
        return prune_error_set(PRUNE_E_FORMAT, "%s:%d: more than %d entries are no recipe", b->name,
                               line, TREE_MAX_NODES);
    tree_node *node = prune_memory_zero(b->ctx, 1, sizeof *node);
    if (!node) return PRUNE_E_MEMORY;
    node->kind = kind;
    node->line = b->key ? b->key_line : line;
    node->key = b->key;
    node->made_before = b->newest;
    b->key = NULL;
    b->newest = node;
    if (!parent)
        b->root = node;
    else if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    if (parent) parent->last = node;
    *out = node;
    return PRUNE_OK;
}

static prune_status take_key(builder *b, const char *text, int line)
{
    for (const tree_node *n = b->open[b->depth - 1]->first; n; n = n->next)
        if (strcmp(n->key, text) == 0)
            return prune_error_set(PRUNE_E_FORMAT,
                                   "%s:%d: '%s' is given twice, first in line %d; keep one",
                                   b->name, line, text, n->line);
    b->key = copy_text(b, text);
    b->key_line = line;
    return b->key ? PRUNE_OK : PRUNE_E_MEMORY;
}

static prune_status take_scalar(builder *b, const yaml_event_t *event)
{
    const int line = line_of(&event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    const size_t length = event->data.scalar.length;
    tree_node *node;
    if (length > TREE_MAX_SCALAR)
        return prune_error_set(PRUNE_E_FORMAT, "%s:%d: a value of %zu bytes; at most %d are taken",
                               b->name, line, length, TREE_MAX_SCALAR);
    if (strlen(text) != length)
        return prune_error_set(PRUNE_E_FORMAT, "%s:%d: a value contains a zero byte", b->name,
                               line);
    if (b->depth && b->open[b->depth - 1]->kind == TREE_MAP && !b->key)
        return take_key(b, text, line);
    const prune_status status = add(b, TREE_SCALAR, line, &node);
    if (status != PRUNE_OK) return status;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = copy_text(b, text);
    return node->text ? PRUNE_OK : PRUNE_E_MEMORY;
}

static prune_status open_container(builder *b, tree_kind kind, int line)
{
    tree_node *node;
    if (b->depth && b->open[b->depth - 1]->kind == TREE_MAP && !b->key)
        return prune_error_set(PRUNE_E_FORMAT, "%s:%d: a word is expected before the ':'", b->name,
                               line);
    if (b->depth >= TREE_MAX_DEPTH)
        return prune_error_set(PRUNE_E_FORMAT, "%s:%d: nested deeper than %d levels", b->name, line,
                               TREE_MAX_DEPTH);
    const prune_status status = add(b, kind, line, &node);
    if (status == PRUNE_OK) b->open[b->depth++] = node;
    return status;
}

/* Anchors, aliases and tags: recipes have no use for them, attackers do. */
static prune_status check_plain(const builder *b, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    const char *what = NULL;
    if (event->type == YAML_ALIAS_EVENT) anchor = event->data.alias.anchor;
    if (event->type == YAML_SCALAR_EVENT)
        anchor = event->data.scalar.anchor, tag = event->data.scalar.tag;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        anchor = event->data.sequence_start.anchor, tag = event->data.sequence_start.tag;
    if (event->type == YAML_MAPPING_START_EVENT)
        anchor = event->data.mapping_start.anchor, tag = event->data.mapping_start.tag;
    if (tag) what = "a tag (!)";
    if (anchor) what = "an anchor (&) or alias (*)";
    if (!what) return PRUNE_OK;
    return prune_error_set(PRUNE_E_FORMAT,
                           "%s:%d: %s; recipes have none: write it out, or put quotes around a "
                           "value that begins with this sign",
                           b->name, line_of(&event->start_mark), what);
}

static prune_status take(builder *b, const yaml_event_t *event)
{
    const int line = line_of(&event->start_mark);
    const prune_status status = check_plain(b, event);
    if (status != PRUNE_OK) return status;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++b->documents == 1 ? PRUNE_OK
                                   : prune_error_set(PRUNE_E_FORMAT,
                                                     "%s:%d: a second document; a file holds one "
                                                     "recipe",
                                                     b->name, line);
    case YAML_SCALAR_EVENT:
        return take_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(b, TREE_LIST, line);
    case YAML_MAPPING_START_EVENT:
        return open_container(b, TREE_MAP, line);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return PRUNE_OK;
    default:
        return PRUNE_OK;
    }
}

static prune_status syntax_error(const builder *b, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return prune_error_set(PRUNE_E_MEMORY, "%s: out of memory", b->name);
    if (parser->error == YAML_READER_ERROR)
        return prune_error_set(PRUNE_E_FORMAT, "%s: not a text file: %s at byte %zu", b->name,
                               parser->problem ? parser->problem : "unreadable",
                               parser->problem_offset);
    return prune_error_set(PRUNE_E_FORMAT, "%s:%d: this is not YAML: %s%s%s", b->name,
                           line_of(&parser->problem_mark),
                           parser->problem ? parser->problem : "unreadable",
                           parser->context ? " " : "", parser->context ? parser->context : "");
}

static prune_status read_events(builder *b, yaml_parser_t *parser)
{
    prune_status status = PRUNE_OK;
    for (bool done = false; status == PRUNE_OK && !done;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) return syntax_error(b, parser);
        done = event.type == YAML_STREAM_END_EVENT;
        status = take(b, &event);
        yaml_event_delete(&event);
    }
    return status;
}

static void free_nodes(prune_context *ctx, tree_node *newest)
{
    for (tree_node *node = newest, *before; node; node = before) {
        before = node->made_before;
        prune_memory_free(ctx, (char *)node->key);
        prune_memory_free(ctx, (char *)node->text);
        prune_memory_free(ctx, node);
    }
}

prune_status tree_read(tree_node **root, prune_context *context, const char *name, const char *text,
                       size_t size)
{
    builder b = {.ctx = context, .name = name};
    yaml_parser_t parser;
    if (size > TREE_MAX_BYTES)
        return prune_error_set(PRUNE_E_FORMAT, "%s: more than 1 MiB is no recipe", name);
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3, size -= 3;
    if (!yaml_parser_initialize(&parser))
        return prune_error_set(PRUNE_E_MEMORY, "%s: out of memory", name);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    prune_status status = read_events(&b, &parser);
    yaml_parser_delete(&parser);
    if (status == PRUNE_OK && (!b.root || tree_is_nothing(b.root)))
        status = prune_error_set(PRUNE_E_FORMAT, "%s: nothing is in it", name);
    else if (status == PRUNE_OK && b.root->kind != TREE_MAP)
        status = prune_error_set(PRUNE_E_FORMAT,
                                 "%s:%d: a recipe is made of lines 'key: value', such as "
                                 "'model: network.pth'",
                                 name, b.root->line);
    prune_memory_free(context, b.key);
    if (status != PRUNE_OK) {
        free_nodes(context, b.newest);
        return status;
    }
    /* The root was made first; from here it leads to all others. */
    b.root->made_before = b.newest;
    *root = b.root;
    return PRUNE_OK;
}

void tree_free(prune_context *context, tree_node *root)
{
    if (!root) return;
    tree_node *newest = root->made_before;
    root->made_before = NULL;
    free_nodes(context, newest);
}

bool tree_is_nothing(const tree_node *node)
{
    return node->kind == TREE_SCALAR && !node->quoted &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}
