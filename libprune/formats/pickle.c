#include "libprune/formats/pickle.h"

#include "libprune/formats/table.h"

#include <string.h>

enum {
    MAX_OBJECTS = 2000000,
    MAX_STACK = 4000000,
    MAX_MARKS = 1000,
    MAX_LINKS = 16000000,
    LINKS_PER_BYTE = 16, /* each item costs a byte at least, and growing containers move */
    MAX_MEMO_GAP = 65536,
    MAX_TEXT = 1 << 20,
    MAX_LINE = 256,
    NO_MEMO = 0xffffffff
};

typedef struct machine {
    pr_pickle p;
    const uint8_t *begin, *at, *end;
    uint32_t *stack;
    size_t depth, stack_capacity;
    size_t marks[MAX_MARKS]; /* stack depths */
    size_t n_marks;
    uint32_t *memo;
    size_t n_memo, memo_capacity; /* entries that may be set */
    size_t puts;
} machine;

bool pr_text_is(pr_text text, const char *word)
{
    return strlen(word) == text.length && memcmp(text.data, word, text.length) == 0;
}

const pr_pickle_object *pr_pickle_at(const pr_pickle *pickle, uint32_t object)
{
    return &pickle->objects[object];
}

uint32_t pr_pickle_item(const pr_pickle *pickle, const pr_pickle_object *object, uint32_t index)
{
    return pickle->links[object->items.first + index];
}

static prune_status bad(const machine *m, const char *what)
{
    return pr_fail(PRUNE_E_FORMAT,
                   "pickle, byte %zu: %s; the file is damaged or not a PyTorch file",
                   (size_t)(m->at - m->begin), what);
}

/* --- objects and stack ---------------------------------------------------------------------- */

static prune_status new_object(machine *m, pr_pickle_kind kind, uint32_t *out)
{
    if (m->p.count == MAX_OBJECTS) return bad(m, "too many objects");
    PR_TRY(pr_grow(m->p.ctx, (void **)&m->p.objects, &m->p.capacity, m->p.count + 1,
                   sizeof *m->p.objects));
    m->p.objects[m->p.count] = (pr_pickle_object){.kind = kind};
    *out = (uint32_t)m->p.count++;
    return PRUNE_OK;
}

static pr_pickle_object *object_at(machine *m, uint32_t object)
{
    return &m->p.objects[object];
}

static prune_status push(machine *m, uint32_t object)
{
    if (m->depth == MAX_STACK) return bad(m, "stack too deep");
    PR_TRY(
        pr_grow(m->p.ctx, (void **)&m->stack, &m->stack_capacity, m->depth + 1, sizeof *m->stack));
    m->stack[m->depth++] = object;
    return PRUNE_OK;
}

/* Things below the latest mark cannot be popped by what comes after it. */
static size_t reach(const machine *m)
{
    return m->n_marks ? m->depth - m->marks[m->n_marks - 1] : m->depth;
}

static prune_status pop(machine *m, uint32_t *out)
{
    if (reach(m) < 1) return bad(m, "empty stack");
    *out = m->stack[--m->depth];
    return PRUNE_OK;
}

static prune_status top(machine *m, uint32_t *out)
{
    if (reach(m) < 1) return bad(m, "empty stack");
    *out = m->stack[m->depth - 1];
    return PRUNE_OK;
}

static prune_status push_integer(machine *m, pr_pickle_kind kind, int64_t value)
{
    uint32_t object;
    PR_TRY(new_object(m, kind, &object));
    object_at(m, object)->integer = value;
    return push(m, object);
}

static prune_status push_text(machine *m, pr_pickle_kind kind, pr_text text)
{
    uint32_t object;
    PR_TRY(new_object(m, kind, &object));
    object_at(m, object)->text = text;
    return push(m, object);
}

static prune_status push_empty(machine *m, pr_pickle_kind kind)
{
    uint32_t object;
    PR_TRY(new_object(m, kind, &object));
    return push(m, object);
}

/* --- containers ----------------------------------------------------------------------------- */

/* Room for `more` items at the end of a container: its run of links moves when it must grow. */
static prune_status reserve(machine *m, uint32_t object, size_t more)
{
    pr_pickle_object *o = object_at(m, object);
    size_t needed = o->items.count + more;
    if (needed <= o->items.capacity) return PRUNE_OK;
    size_t capacity =
        needed < 2 * (size_t)o->items.capacity ? 2 * (size_t)o->items.capacity : needed;
    size_t limit = 64 + (size_t)(m->end - m->begin) * LINKS_PER_BYTE;
    if (m->p.n_links + capacity > (limit < MAX_LINKS ? limit : MAX_LINKS))
        return bad(m, "too many items");
    PR_TRY(pr_grow(m->p.ctx, (void **)&m->p.links, &m->p.link_capacity, m->p.n_links + capacity,
                   sizeof *m->p.links));
    if (o->items.count)
        memcpy(m->p.links + m->p.n_links, m->p.links + o->items.first,
               o->items.count * sizeof *m->p.links);
    o->items.first = m->p.n_links;
    o->items.capacity = (uint32_t)capacity;
    m->p.n_links += capacity;
    return PRUNE_OK;
}

static prune_status append(machine *m, uint32_t object, const uint32_t *items, size_t count)
{
    PR_TRY(reserve(m, object, count));
    pr_pickle_object *o = object_at(m, object);
    if (count) memcpy(m->p.links + o->items.first + o->items.count, items, count * sizeof *items);
    o->items.count += (uint32_t)count;
    return PRUNE_OK;
}

static prune_status make_tuple(machine *m, size_t count)
{
    uint32_t object;
    if (reach(m) < count) return bad(m, "empty stack");
    PR_TRY(new_object(m, PR_PICKLE_TUPLE, &object));
    if (count) PR_TRY(append(m, object, m->stack + m->depth - count, count));
    m->depth -= count;
    return push(m, object);
}

/* Number of items above the latest mark, which goes. */
static prune_status pop_mark(machine *m, size_t *count)
{
    if (m->n_marks == 0) return bad(m, "no mark");
    *count = m->depth - m->marks[--m->n_marks];
    return PRUNE_OK;
}

/* The top `count` items go into the list or dict below them. */
static prune_status store(machine *m, pr_pickle_kind kind, size_t count)
{
    if (reach(m) < count + 1) return bad(m, "empty stack");
    uint32_t target = m->stack[m->depth - count - 1];
    pr_pickle_kind found = object_at(m, target)->kind;
    if (found != kind && found != PR_PICKLE_OPAQUE) return bad(m, "items for what holds none");
    if (kind == PR_PICKLE_DICT && count % 2) return bad(m, "a key without a value");
    if (found == kind) PR_TRY(append(m, target, m->stack + m->depth - count, count));
    m->depth -= count;
    return PRUNE_OK;
}

/* --- memo ----------------------------------------------------------------------------------- */

static prune_status memo_put(machine *m, uint32_t index)
{
    uint32_t object;
    PR_TRY(top(m, &object));
    /* Honest pickles count without gaps, tools may have taken entries out: a few, for its size. */
    size_t size = (size_t)(m->end - m->begin);
    if (index > m->puts + (size < MAX_MEMO_GAP ? size : MAX_MEMO_GAP))
        return bad(m, "memo index out of range");
    PR_TRY(pr_grow(m->p.ctx, (void **)&m->memo, &m->memo_capacity, (size_t)index + 1,
                   sizeof *m->memo));
    for (; m->n_memo <= index; m->n_memo++) m->memo[m->n_memo] = NO_MEMO;
    m->memo[index] = object;
    m->puts++;
    return PRUNE_OK;
}

static prune_status memo_get(machine *m, uint32_t index)
{
    if (index >= m->n_memo || m->memo[index] == NO_MEMO) return bad(m, "unknown memo entry");
    return push(m, m->memo[index]);
}

/* --- operands ------------------------------------------------------------------------------- */

static prune_status take(machine *m, size_t bytes, const uint8_t **out)
{
    if ((size_t)(m->end - m->at) < bytes) return bad(m, "truncated");
    *out = m->at;
    m->at += bytes;
    return PRUNE_OK;
}

/* Little-endian unsigned number of 1, 2 or 4 bytes. */
static prune_status take_number(machine *m, size_t bytes, uint32_t *out)
{
    const uint8_t *p;
    PR_TRY(take(m, bytes, &p));
    *out = 0;
    for (size_t k = bytes; k-- > 0;) *out = *out << 8 | p[k];
    return PRUNE_OK;
}

static prune_status take_text(machine *m, size_t length_bytes, bool unicode)
{
    uint32_t length;
    const uint8_t *data;
    PR_TRY(take_number(m, length_bytes, &length));
    if (length > MAX_TEXT) return bad(m, "string too long");
    PR_TRY(take(m, length, &data));
    if (unicode && !pr_formats_utf8(data, length)) return bad(m, "string is not UTF-8");
    return push_text(m, PR_PICKLE_TEXT, (pr_text){(const char *)data, length});
}

static prune_status take_line(machine *m, pr_text *out)
{
    const uint8_t *begin = m->at;
    while (m->at < m->end && *m->at != '\n') {
        if (*m->at < 0x20 || *m->at > 0x7e || m->at - begin == MAX_LINE)
            return bad(m, "bad class name");
        m->at++;
    }
    if (m->at == m->end) return bad(m, "truncated");
    *out = (pr_text){(const char *)begin, (size_t)(m->at++ - begin)};
    return PRUNE_OK;
}

/* Two's complement of at most 8 bytes; 10 bytes only in the legacy magic number, whose value the
 * caller has compared as bytes. */
static prune_status long1(machine *m)
{
    uint32_t count;
    const uint8_t *p;
    PR_TRY(take_number(m, 1, &count));
    PR_TRY(take(m, count, &p));
    if (count > 8 && count != 10) return bad(m, "integer too large");
    uint64_t value = count && (p[count - 1] & 0x80) ? UINT64_MAX : 0;
    for (size_t k = count > 8 ? 8 : count; k-- > 0;) value = value << 8 | p[k];
    return push_integer(m, PR_PICKLE_INT, (int64_t)value);
}

static prune_status binfloat(machine *m)
{
    const uint8_t *p;
    uint32_t object;
    uint64_t bits = 0;
    PR_TRY(take(m, 8, &p));
    for (int k = 0; k < 8; k++) bits = bits << 8 | p[k];
    PR_TRY(new_object(m, PR_PICKLE_FLOAT, &object));
    memcpy(&object_at(m, object)->real, &bits, sizeof bits);
    return push(m, object);
}

/* --- calls ---------------------------------------------------------------------------------- */

static prune_status global(machine *m)
{
    uint32_t object;
    pr_text module, name;
    PR_TRY(take_line(m, &module));
    PR_TRY(take_line(m, &name));
    PR_TRY(new_object(m, PR_PICKLE_GLOBAL, &object));
    object_at(m, object)->global.module = module;
    object_at(m, object)->global.name = name;
    return push(m, object);
}

static bool is_global(const pr_pickle_object *o, const char *module, const char *name)
{
    return o->kind == PR_PICKLE_GLOBAL && pr_text_is(o->global.module, module) &&
           pr_text_is(o->global.name, name);
}

/* Argument k of a call, or None. */
static uint32_t argument(const machine *m, uint32_t args, uint32_t k)
{
    const pr_pickle_object *o = pr_pickle_at(&m->p, args);
    return k < o->items.count ? pr_pickle_item(&m->p, o, k) : 0;
}

static prune_status rebuild_tensor(machine *m, uint32_t args, bool typed)
{
    uint32_t object, storage = argument(m, args, 0), offset = argument(m, args, 1);
    uint32_t size = argument(m, args, 2), stride = argument(m, args, 3);
    uint32_t dtype = typed ? argument(m, args, 6) : 0;
    if (object_at(m, storage)->kind != PR_PICKLE_STORAGE ||
        object_at(m, offset)->kind != PR_PICKLE_INT ||
        object_at(m, size)->kind != PR_PICKLE_TUPLE ||
        object_at(m, stride)->kind != PR_PICKLE_TUPLE ||
        (typed && object_at(m, dtype)->kind != PR_PICKLE_GLOBAL))
        return bad(m, "a tensor with the wrong arguments");
    PR_TRY(new_object(m, PR_PICKLE_TENSOR, &object));
    pr_pickle_object *o = object_at(m, object);
    o->tensor.storage = storage;
    o->tensor.size = size;
    o->tensor.stride = stride;
    o->tensor.dtype = dtype;
    o->tensor.offset = object_at(m, offset)->integer;
    return push(m, object);
}

/* OrderedDict([(key, value), ...]), as Python 2 wrote it, or OrderedDict(). */
static prune_status ordered_dict(machine *m, uint32_t args)
{
    uint32_t object, list = argument(m, args, 0);
    PR_TRY(new_object(m, PR_PICKLE_DICT, &object));
    for (uint32_t i = 0;
         object_at(m, list)->kind == PR_PICKLE_LIST && i < object_at(m, list)->items.count; i++) {
        uint32_t pair = pr_pickle_item(&m->p, object_at(m, list), i);
        const pr_pickle_object *o = object_at(m, pair);
        if ((o->kind != PR_PICKLE_TUPLE && o->kind != PR_PICKLE_LIST) || o->items.count != 2)
            return bad(m, "an OrderedDict of something else than pairs");
        uint32_t both[2] = {pr_pickle_item(&m->p, o, 0), pr_pickle_item(&m->p, o, 1)};
        PR_TRY(append(m, object, both, 2));
    }
    return push(m, object);
}

static prune_status opaque(machine *m, uint32_t callable)
{
    const pr_pickle_object *o = object_at(m, callable);
    pr_text name = o->kind == PR_PICKLE_GLOBAL ? o->global.name : (pr_text){"", 0};
    return push_text(m, PR_PICKLE_OPAQUE, name);
}

/* "Calls" a class or function: the few that mean data are understood, all others stay opaque. */
static prune_status reduce(machine *m)
{
    uint32_t args, callable;
    PR_TRY(pop(m, &args));
    PR_TRY(pop(m, &callable));
    const pr_pickle_object *f = object_at(m, callable);
    if (object_at(m, args)->kind != PR_PICKLE_TUPLE) return bad(m, "a call without arguments");
    if (is_global(f, "collections", "OrderedDict")) return ordered_dict(m, args);
    if (is_global(f, "torch._utils", "_rebuild_tensor_v2") ||
        is_global(f, "torch._utils", "_rebuild_tensor"))
        return rebuild_tensor(m, args, false);
    if (is_global(f, "torch._utils", "_rebuild_tensor_v3")) return rebuild_tensor(m, args, true);
    if (is_global(f, "torch._utils", "_rebuild_parameter") ||
        is_global(f, "torch._utils", "_rebuild_parameter_with_state"))
        return push(m, argument(m, args, 0));
    if (is_global(f, "torch", "Size")) {
        uint32_t size = argument(m, args, 0);
        if (object_at(m, size)->kind == PR_PICKLE_LIST ||
            object_at(m, size)->kind == PR_PICKLE_TUPLE) {
            object_at(m, size)->kind = PR_PICKLE_TUPLE;
            return push(m, size);
        }
    }
    return opaque(m, callable);
}

static prune_status new_instance(machine *m)
{
    uint32_t args, callable;
    PR_TRY(pop(m, &args));
    PR_TRY(pop(m, &callable));
    if (is_global(object_at(m, callable), "collections", "OrderedDict"))
        return push_empty(m, PR_PICKLE_DICT);
    return opaque(m, callable);
}

/* ("storage", class, key, location, count[, view]). */
static prune_status persistent(machine *m)
{
    uint32_t id, object;
    PR_TRY(pop(m, &id));
    if (object_at(m, id)->kind != PR_PICKLE_TUPLE) return bad(m, "a storage without description");
    const pr_pickle_object *word = object_at(m, argument(m, id, 0));
    const pr_pickle_object *type = object_at(m, argument(m, id, 1));
    const pr_pickle_object *key = object_at(m, argument(m, id, 2));
    const pr_pickle_object *count = object_at(m, argument(m, id, 4));
    if (word->kind == PR_PICKLE_TEXT && pr_text_is(word->text, "module"))
        return pr_fail(PRUNE_E_UNSUPPORTED, "the file holds a pickled model object, not a state "
                                            "dict: save model.state_dict() instead");
    if (word->kind != PR_PICKLE_TEXT || !pr_text_is(word->text, "storage") ||
        type->kind != PR_PICKLE_GLOBAL || key->kind != PR_PICKLE_TEXT ||
        count->kind != PR_PICKLE_INT || count->integer < 0)
        return bad(m, "a storage with the wrong description");
    uint32_t view = argument(m, id, 5);
    pr_text name = key->text;
    int64_t elements = count->integer;
    PR_TRY(new_object(m, PR_PICKLE_STORAGE, &object));
    pr_pickle_object *o = object_at(m, object);
    o->storage.key = name;
    o->storage.count = elements;
    o->storage.type = argument(m, id, 1);
    o->storage.view = object_at(m, view)->kind == PR_PICKLE_TUPLE ? view : 0;
    return push(m, object);
}

/* --- opcodes -------------------------------------------------------------------------------- */

static prune_status build(machine *m)
{
    uint32_t state; /* module versions or the inside of an opaque object: not ours to keep */
    PR_TRY(pop(m, &state));
    return top(m, &state);
}

static prune_status items_to_mark(machine *m, uint8_t op)
{
    size_t count;
    PR_TRY(pop_mark(m, &count));
    if (op == 't') return make_tuple(m, count);
    return store(m, op == 'e' ? PR_PICKLE_LIST : PR_PICKLE_DICT, count);
}

static prune_status memo_op(machine *m, uint8_t op)
{
    uint32_t index;
    PR_TRY(take_number(m, op == 'q' || op == 'h' ? 1 : 4, &index));
    return op == 'q' || op == 'r' ? memo_put(m, index) : memo_get(m, index);
}

static prune_status number_op(machine *m, uint8_t op)
{
    uint32_t value;
    PR_TRY(take_number(m, op == 'K' ? 1 : op == 'M' ? 2 : 4, &value));
    return push_integer(m, PR_PICKLE_INT, op == 'J' ? (int64_t)(int32_t)value : (int64_t)value);
}

static prune_status mark(machine *m)
{
    if (m->n_marks == MAX_MARKS) return bad(m, "nested too deeply");
    m->marks[m->n_marks++] = m->depth;
    return PRUNE_OK;
}

static prune_status step(machine *m, uint8_t op)
{
    switch (op) {
    case '(':
        return mark(m);
    case 'N':
        return push(m, 0);
    case 0x88:
        return push_integer(m, PR_PICKLE_BOOL, 1);
    case 0x89:
        return push_integer(m, PR_PICKLE_BOOL, 0);
    case 'J':
    case 'K':
    case 'M':
        return number_op(m, op);
    case 0x8a:
        return long1(m);
    case 'G':
        return binfloat(m);
    case 'X':
        return take_text(m, 4, true);
    case 'U':
        return take_text(m, 1, false);
    case 'T':
        return take_text(m, 4, false);
    case ')':
        return push_empty(m, PR_PICKLE_TUPLE);
    case ']':
        return push_empty(m, PR_PICKLE_LIST);
    case '}':
        return push_empty(m, PR_PICKLE_DICT);
    case 0x8f:
        return push_text(m, PR_PICKLE_OPAQUE, (pr_text){"set", 3});
    case 't':
    case 'e':
    case 'u':
        return items_to_mark(m, op);
    case 0x85:
    case 0x86:
    case 0x87:
        return make_tuple(m, op - 0x84u);
    case 'a':
        return store(m, PR_PICKLE_LIST, 1);
    case 's':
        return store(m, PR_PICKLE_DICT, 2);
    case 'c':
        return global(m);
    case 'R':
        return reduce(m);
    case 0x81:
        return new_instance(m);
    case 'b':
        return build(m);
    case 'Q':
        return persistent(m);
    case 'q':
    case 'r':
    case 'h':
    case 'j':
        return memo_op(m, op);
    default:
        return pr_fail(
            PRUNE_E_UNSUPPORTED,
            "pickle, byte %zu: operation 0x%02x is not allowed; save the state dict with "
            "torch.save and its defaults",
            (size_t)(m->at - m->begin) - 1, op);
    }
}

static prune_status execute(machine *m)
{
    uint32_t none;
    PR_TRY(new_object(m, PR_PICKLE_NONE, &none));
    if (m->end - m->begin < 2 || m->at[0] != 0x80) return bad(m, "no protocol number");
    if (m->at[1] != 2)
        return pr_fail(PRUNE_E_UNSUPPORTED,
                       "pickle protocol %d: save the file with torch.save's default protocol 2",
                       m->at[1]);
    m->at += 2;
    while (m->at < m->end) {
        uint8_t op = *m->at++;
        if (op == '.') {
            if (m->n_marks || m->depth != 1) return bad(m, "ends with a full stack");
            m->p.root = m->stack[0];
            m->p.consumed = (size_t)(m->at - m->begin);
            return PRUNE_OK;
        }
        PR_TRY(step(m, op));
    }
    return bad(m, "truncated");
}

prune_status pr_pickle_read(pr_pickle *out, prune_context *ctx, const uint8_t *data, uint64_t size)
{
    machine *m = pr_calloc(ctx, 1, sizeof *m);
    if (!m) return PRUNE_E_MEMORY;
    m->p.ctx = ctx;
    m->begin = m->at = data;
    m->end = data + size;
    prune_status status = execute(m);
    if (status == PRUNE_OK)
        *out = m->p;
    else
        pr_pickle_free(&m->p);
    pr_free(ctx, m->stack);
    pr_free(ctx, m->memo);
    pr_free(ctx, m);
    return status;
}

void pr_pickle_free(pr_pickle *pickle)
{
    pr_free(pickle->ctx, pickle->objects);
    pr_free(pickle->ctx, pickle->links);
    *pickle = (pr_pickle){.ctx = pickle->ctx};
}
