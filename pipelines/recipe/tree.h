/* A YAML text as a small tree with line numbers, and nothing in it that could surprise: bounded in
 * size, count and depth; no anchors, aliases, tags, second documents or keys given twice. */
#ifndef PIPELINES_RECIPE_TREE_H
#define PIPELINES_RECIPE_TREE_H

#include <prune/context.h>

enum {
    TREE_MAX_BYTES = 1 << 20, /* of the text */
    TREE_MAX_NODES = 4000,
    TREE_MAX_DEPTH = 8,
    TREE_MAX_SCALAR = 4096 /* bytes of one word or value */
};

typedef enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP } tree_kind;

typedef struct tree_node {
    tree_kind kind;
    int line;               /* 1-based; of the key, in a map */
    bool quoted;            /* scalars: between quotes, so that "" is a text and not nothing */
    const char *key;        /* inside a map */
    const char *text;       /* scalars */
    struct tree_node *next; /* in the list or map that it stands in */
    struct tree_node *first, *last; /* of its own children */
    struct tree_node *made_before;  /* chain of all nodes, for freeing */
} tree_node;

/* name: for messages ("demo.yaml:12: ..."). The root is a map. Free with tree_free. */
prune_status tree_read(tree_node **root, prune_context *context, const char *name, const char *text,
                       size_t size);
void tree_free(prune_context *context, tree_node *root); /* accepts NULL */

/* Empty, "~" or "null" without quotes: nothing was given. */
bool tree_is_nothing(const tree_node *node);

#endif
