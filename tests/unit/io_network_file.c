/* Network files: what is read computes the same bits as what was written, and no damage gets past the reader. */
#include "../../src/io/h5.h"
#include "net_random.h"
#include "ohmtally/network_file.h"
#include "ohmtally/status.h"
#include "ohmtally/text.h"
#include "suite.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { INPUTS = 3 * 8 * 8, OUTPUTS = 5 };
static char folder[] = "/tmp/ohm-network-XXXXXX";
static uint64_t state = 99;

/* A damaged length may ask for any amount of memory: the allocator then refuses, as it does without the sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

static int64_t random_index(uint64_t *seed, int64_t count) { /* 0 .. count-1 */
    return (int64_t)(((double)random_next(seed) + 1) * 0.5 * (double)count) % count;
}

static const char *in_folder(const char *name) {
    static char path[4][128];
    static int turn;
    char *here = path[turn++ % 4];
    snprintf(here, sizeof path[0], "%s/%s", folder, name);
    return here;
}

static int32_t append(struct ohm_network *net, struct ohm_node node, int32_t a, int32_t b, int32_t c) {
    int32_t in[] = {a, b, c}, output = net_append(net, node, in, b < 0 ? 1 : c < 0 ? 2 : 3, NULL);
    CU_ASSERT_FATAL(output >= 0);
    return output;
}

static struct ohm_node conv_node(int32_t kernel, int32_t groups) {
    struct ohm_node node = ohm_node_of(OHM_OP_CONV);
    node.groups = groups;
    for (int d = 0; d < 2; d++) {
        node.window.kernel[d] = kernel;
        node.window.pad_before[d] = node.window.pad_after[d] = kernel / 2;
    }
    return node;
}

/* Convolutions with and without bias and groups, a clip, a residual sum, a pool, a mean, a relabel, a linear layer, softmax. */
static struct ohm_network *network_make(void) {
    struct ohm_network *net = ohm_network_new();
    int32_t x = net_input(net, SHAPE(1, 3, 8, 8));
    int32_t a = append(net, conv_node(3, 1), x, random_constant(net, &state, SHAPE(4, 3, 3, 3)), random_constant(net, &state, SHAPE(4)));
    struct ohm_node clip = ohm_node_of(OHM_OP_CLIP), pool = conv_node(2, 1), mean = ohm_node_of(OHM_OP_REDUCE_MEAN),
                    softmax = ohm_node_of(OHM_OP_SOFTMAX);
    clip.hi = 6;
    a = append(net, clip, a, -1, -1);
    int32_t b = append(net, conv_node(3, 4), a, random_constant(net, &state, SHAPE(4, 1, 3, 3)), -1);
    int32_t sum = append(net, ohm_node_of(OHM_OP_ADD), a, b, -1);
    pool.op = OHM_OP_MAX_POOL;
    pool.window.stride[0] = pool.window.stride[1] = 2;
    pool.ceil_mode = true;
    mean.axis_mask = 4;
    int32_t mid = append(net, mean, append(net, pool, sum, -1, -1), -1, -1);
    int64_t flat = ohm_shape_count(&net->values[mid].shape);
    struct ohm_shape shape = SHAPE(1, (int32_t)flat);
    int32_t flattened = net_append(net, ohm_node_of(OHM_OP_RELABEL), &mid, 1, &shape);
    int32_t logits = append(net, ohm_node_of(OHM_OP_LINEAR), flattened, random_constant(net, &state, SHAPE(OUTPUTS, (int32_t)flat)),
                            random_constant(net, &state, SHAPE(OUTPUTS)));
    softmax.axis = 1;
    softmax.axis_end = 2;
    append(net, softmax, logits, -1, -1);
    return net;
}

/* The network, quantised with ranges that need no images, its weights rounded. */
static void content_make(struct ohm_network_file *content, int32_t bits) {
    *content = (struct ohm_network_file){.network = network_make(), .weight_bits = bits};
    snprintf(content->provenance, sizeof content->provenance, "made for a test, \xc3\xa4");
    struct ohm_quant quant[64];
    CU_ASSERT_FATAL(content->network->nvalue <= 64);
    for (int32_t v = 0; v < content->network->nvalue; v++) quant[v] = (struct ohm_quant){0.01f * (float)(v + 1), v % 7, bits};
    quant[content->network->output] = quant[content->network->nodes[content->network->nnode - 1].input[0]] = (struct ohm_quant){1, 0, 0};
    CU_ASSERT_EQUAL_FATAL(ohm_quantize_given(content->network, bits, quant, &content->intnet), OHM_OK);
    content->weights = ohm_alloc_array((size_t)content->intnet->nlayer, sizeof *content->weights);
    for (int32_t i = 0; i < content->intnet->nlayer; i++) {
        content->weights[i] = ohm_weights_new(&content->intnet->layers[i]);
        ohm_weights_uniform(&content->intnet->layers[i], (1 << (bits - 1)) - 1, i % 2, content->weights[i]);
    }
}

static void outputs_compute(const struct ohm_network_file *content, float output[OUTPUTS]) {
    float input[INPUTS];
    uint64_t own = 5;
    random_fill(&own, input, INPUTS);
    CU_ASSERT_EQUAL(ohm_int_forward(content->intnet, (const struct ohm_weights *const *)content->weights, input, output), OHM_OK);
}

/* All attributes of a node but its pointers. */
static bool nodes_equal(const struct ohm_node *a, const struct ohm_node *b) {
    if (strcmp(a->name, b->name) || strcmp(a->onnx_op, b->onnx_op) || a->ninput != b->ninput ||
        memcmp(a->input, b->input, (size_t)a->ninput * sizeof *a->input))
        return false;
    return a->op == b->op && a->output == b->output && !memcmp(&a->window, &b->window, sizeof a->window) && a->groups == b->groups &&
           a->ceil_mode == b->ceil_mode && a->count_include_pad == b->count_include_pad && a->axis == b->axis && a->axis_end == b->axis_end &&
           a->axis_mask == b->axis_mask && a->lo == b->lo && a->hi == b->hi && a->alpha == b->alpha && a->beta == b->beta && a->bias == b->bias &&
           a->size == b->size && !memcmp(a->pad_before, b->pad_before, sizeof a->pad_before) &&
           !memcmp(a->pad_after, b->pad_after, sizeof a->pad_after);
}

static void round_trip(int32_t bits) {
    struct ohm_network_file written, read;
    float before[OUTPUTS], after[OUTPUTS];
    content_make(&written, bits);
    CU_ASSERT_EQUAL_FATAL(ohm_network_file_write(in_folder("n.h5"), &written), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_network_file_read(in_folder("n.h5"), &read), OHM_OK);
    CU_ASSERT_EQUAL(read.weight_bits, bits);
    CU_ASSERT_EQUAL(read.intnet->activation_bits, bits);
    CU_ASSERT_STRING_EQUAL(read.provenance, written.provenance);
    CU_ASSERT(read.network->input == written.network->input && read.network->output == written.network->output);
    CU_ASSERT_EQUAL_FATAL(read.network->nvalue, written.network->nvalue);
    CU_ASSERT_EQUAL_FATAL(read.network->nnode, written.network->nnode);
    CU_ASSERT_EQUAL_FATAL(read.intnet->nlayer, 3);
    for (int32_t v = 0; v < read.network->nvalue; v++) {
        const struct ohm_value *a = &written.network->values[v], *b = &read.network->values[v];
        CU_ASSERT(!strcmp(a->name, b->name) && ohm_shape_equal(&a->shape, &b->shape) && !a->constant == !b->constant);
        CU_ASSERT(!a->constant || !memcmp(a->constant, b->constant, (size_t)ohm_shape_count(&a->shape) * sizeof(float)));
        CU_ASSERT(!memcmp(&written.intnet->quant[v], &read.intnet->quant[v], sizeof(struct ohm_quant)));
    }
    for (int32_t i = 0; i < read.network->nnode; i++) CU_ASSERT(nodes_equal(&written.network->nodes[i], &read.network->nodes[i]));
    outputs_compute(&written, before);
    outputs_compute(&read, after);
    CU_ASSERT(!memcmp(before, after, sizeof before));
    ohm_network_file_free(&written);
    ohm_network_file_free(&read);
    ohm_network_file_free(&read); /* fine twice */
}

static void round_trip_8_bits(void) {
    round_trip(8);
}
static void round_trip_12_bits(void) {
    round_trip(12);
}

static void files_repeat_byte_for_byte(void) {
    struct ohm_network_file content;
    char *a, *b;
    size_t na, nb;
    content_make(&content, 8);
    CU_ASSERT_EQUAL(ohm_network_file_write(in_folder("a.h5"), &content), OHM_OK);
    CU_ASSERT_EQUAL(ohm_network_file_write(in_folder("b.h5"), &content), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(in_folder("a.h5"), &a, &na), OHM_OK);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(in_folder("b.h5"), &b, &nb), OHM_OK);
    CU_ASSERT(na == nb && !memcmp(a, b, na));
    free(a);
    free(b);
    ohm_network_file_free(&content);
}

/* Writes `value` over element `index` of an int32 data set of a.h5 (saved as edited.h5), with or without its digest, and reads. */
struct edit {
    const char *data; /* path of the data set */
    int64_t index;
    int32_t value;
    const char *expect; /* part of the message; NULL: reads */
};
static void edit_copy(const struct edit *edit, bool with_digest) {
    char *bytes;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(in_folder("a.h5"), &bytes, &size), OHM_OK);
    FILE *copy = fopen(in_folder("edited.h5"), "wb");
    fwrite(bytes, 1, size, copy);
    fclose(copy);
    free(bytes);
    hid_t file = H5Fopen(in_folder("edited.h5"), H5F_ACC_RDWR, H5P_DEFAULT), data = H5Dopen2(file, edit->data, H5P_DEFAULT),
          space = H5Dget_space(data);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    int32_t *all = ohm_alloc_array((size_t)count, sizeof *all);
    CU_ASSERT(H5Dread(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
    all[edit->index % count] = edit->value;
    CU_ASSERT(H5Dwrite(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
    if (!with_digest) H5Adelete(file, "digest");
    free(all);
    H5Sclose(space);
    H5Dclose(data);
    H5Fclose(file);
}

static void edit_and_read(const struct edit *edit, bool with_digest, const char *expect) {
    struct ohm_network_file content;
    edit_copy(edit, with_digest);
    int status = ohm_network_file_read(in_folder("edited.h5"), &content);
    CU_ASSERT_EQUAL(status, expect ? OHM_E_INPUT : OHM_OK);
    if (expect && (!strstr(ohm_fail_text(), expect) || !strstr(ohm_fail_text(), "edited.h5"))) {
        fprintf(stderr, "%s[%lld] = %d: '%s' lacks '%s'\n", edit->data, (long long)edit->index, edit->value, ohm_fail_text(), expect);
        CU_FAIL("message");
    }
    ohm_network_file_free(&content);
    ohm_fail_clear();
}

static void edits_are_noticed(void) {
    static const struct edit edits[] = {
        {"values/rank", 0, 7, "rank 7"},
        {"values/rank", 0, -1, "rank -1"},
        {"values/dims", 2, 0, "dimension 0"},
        {"values/dims", 2, INT32_MAX, "elements"},
        {"values/dims", 3, 9, "another shape"},
        {"values/constant", 1, 0, "not computed before"},
        {"values/constant", 1, 2, "0 and 1"},
        {"values/constant", 0, 1, "cannot open the data set"},
        {"values/bits", 0, 31, "31 bits"},
        {"values/bits", 0, 0, "not quantised"},
        {"values/zero", 0, 256, "zero 256"},
        {"nodes/ninput", 0, 0, "0 inputs"},
        {"nodes/ninput", 0, INT32_MAX, "inputs"},
        {"nodes/ninput", 1, 2, "computed"}, /* takes an input of the next node */
        {"nodes/inputs", 0, -1, "not computed"},
        {"nodes/inputs", 0, 1000, "not computed"},
        {"nodes/output", 0, 0, "output 0"},
        {"nodes/output", 0, -5, "output -5"},
        {"nodes/groups", 0, 0, "groups"},
        {"nodes/kernel", 0, 4, "kernel"},
        {"nodes/stride", 0, 0, "stride"},
        {"nodes/window_pad_before", 0, -1, "padding"},
        {"nodes/axis_end", 8, 3, "axis"},
        {"nodes/axis_mask", 5, 1 << 20, "axis"},
        {"weights/0", 0, 128, "does not fit into 8 bits"},
        {"weights/0", 0, -128, NULL}, /* possible: other weights than those written */
        {"nodes/axis", 0, 3, NULL},   /* of no meaning for a convolution */
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        edit_and_read(&edits[i], false, edits[i].expect);
        if (!edits[i].expect) edit_and_read(&edits[i], true, "digest");
    }
}

static void foreign_files_are_refused(void) {
    struct ohm_network_file content;
    struct ohm_h5_out out;
    CU_ASSERT_EQUAL(ohm_network_file_read(in_folder("absent.h5"), &content), OHM_E_IO);
    CU_ASSERT(strstr(ohm_fail_text(), "absent.h5") != NULL);
    ohm_fail_clear();
    CU_ASSERT_EQUAL_FATAL(ohm_h5_create(in_folder("foreign.h5"), &out), OHM_OK);
    CU_ASSERT_EQUAL(ohm_h5_publish(&out), OHM_OK);
    CU_ASSERT_EQUAL(ohm_network_file_read(in_folder("foreign.h5"), &content), OHM_E_INPUT);
    CU_ASSERT(strstr(ohm_fail_text(), "foreign.h5: not a network file") != NULL);
    ohm_fail_clear();
    CU_ASSERT_EQUAL(ohm_network_file_write(in_folder("none/n.h5"), &content), OHM_E_IO); /* before it looks at the content */
    ohm_fail_clear();
}

/* Reads bytes as a file. Success must give the outputs of the undamaged file. */
static void damaged_read(const char *bytes, size_t size, const float expected[OUTPUTS]) {
    struct ohm_network_file content;
    float output[OUTPUTS];
    FILE *file = fopen(in_folder("damaged.h5"), "wb");
    fwrite(bytes, 1, size, file);
    fclose(file);
    if (ohm_network_file_read(in_folder("damaged.h5"), &content)) {
        if (!strstr(ohm_fail_text(), "damaged.h5") || strchr(ohm_fail_text(), '\n')) CU_FAIL("the message must name the file, in one line");
        ohm_fail_clear();
        return;
    }
    outputs_compute(&content, output);
    CU_ASSERT(!memcmp(output, expected, sizeof output));
    ohm_network_file_free(&content);
}

static void damage_is_noticed(void) {
    struct ohm_network_file content;
    float expected[OUTPUTS];
    char *bytes;
    size_t size;
    uint64_t seed = 20240607;
    content_make(&content, 8);
    CU_ASSERT_EQUAL_FATAL(ohm_network_file_write(in_folder("whole.h5"), &content), OHM_OK);
    outputs_compute(&content, expected);
    CU_ASSERT_EQUAL_FATAL(ohm_file_read(in_folder("whole.h5"), &bytes, &size), OHM_OK);
    for (int i = 0; i < 2000; i++) { /* one bit, everywhere and in the seal */
        size_t at = i % 10 ? (size_t)random_index(&seed, (int64_t)size) : size - 1 - (size_t)random_index(&seed, 16);
        char old = bytes[at];
        bytes[at] ^= (char)(1 << (i % 8));
        damaged_read(bytes, size, expected);
        bytes[at] = old;
    }
    for (size_t cut = 0; cut < size; cut += size / 100 + 1) damaged_read(bytes, cut, expected);
    for (size_t cut = 1; cut < 40; cut++) damaged_read(bytes, size - cut, expected);
    free(bytes);
    ohm_network_file_free(&content);
}

/* Numbers of a data set replaced at random, as another program might write them: refused, or a network that runs. */
static void random_edits_are_safe(void) {
    static const char *const places[] = {
        "values/rank",      "values/dims",    "values/constant", "values/zero",     "values/bits",    "nodes/ninput",
        "nodes/inputs",     "nodes/output",   "nodes/kernel",    "nodes/stride",    "nodes/dilation", "nodes/window_pad_before",
        "nodes/groups",     "nodes/axis",     "nodes/axis_end",  "nodes/axis_mask", "nodes/size",     "nodes/window_pad_after",
        "nodes/pad_before", "nodes/ceil_mode"};
    static const int32_t values[] = {-1, 0, 1, 2, 3, 4, 7, 8, 64, 65536, INT32_MAX, INT32_MIN};
    uint64_t seed = 31;
    int ran = 0;
    for (int i = 0; i < 800; i++) {
        struct edit edit = {.data = places[random_index(&seed, sizeof places / sizeof *places)]};
        struct ohm_network_file content;
        edit.index = random_index(&seed, 1 << 20);
        edit.value = values[random_index(&seed, sizeof values / sizeof *values)];
        edit_copy(&edit, false);
        if (!ohm_network_file_read(in_folder("edited.h5"), &content)) {
            float output[OUTPUTS];
            CU_ASSERT_EQUAL(ohm_shape_count(&content.network->values[content.network->output].shape), OUTPUTS);
            outputs_compute(&content, output);
            ran++;
        }
        ohm_network_file_free(&content);
        ohm_fail_clear();
    }
    printf("[%d of 800 ran] ", ran);
}

int main(void) {
    static const struct suite_test tests[] = {
        {"what is read computes the same bits, 8 bits", round_trip_8_bits}, {"what is read computes the same bits, 12 bits", round_trip_12_bits},
        {"files repeat byte for byte", files_repeat_byte_for_byte},         {"edits are noticed", edits_are_noticed},
        {"foreign files are refused", foreign_files_are_refused},           {"damage is noticed", damage_is_noticed},
        {"random edits are refused or run", random_edits_are_safe},
    };
    if (!mkdtemp(folder)) return 1;
    int failed = SUITE_RUN("network file", tests);
    static const char *const names[] = {"n.h5", "a.h5", "b.h5", "edited.h5", "foreign.h5", "whole.h5", "damaged.h5"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(in_folder(names[i]));
    rmdir(folder);
    return failed;
}
