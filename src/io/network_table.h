/* The tables of a network file as writer and reader share them. Internal to io. */
#ifndef OHM_IO_NETWORK_TABLE_H
#define OHM_IO_NETWORK_TABLE_H
#include "h5_columns.h"
#include "ohmtally/network_file.h"

struct ohm_value_record {
    const char *name;
    struct ohm_shape shape;
    struct ohm_quant quant;
    bool constant;
};
struct ohm_node_record {
    const char *op;
    struct ohm_node node; /* its inputs stand in a list of their own */
};
struct ohm_layer_shape {
    const char *name;
    int32_t groups, rows, columns;
};
extern const struct ohm_table ohm_value_table, ohm_node_table, ohm_layer_shape_table;

struct ohm_network_records {
    struct ohm_value_record *values; /* [nvalue] */
    struct ohm_node_record *nodes;   /* [nnode] */
    struct ohm_layer_shape *layers;  /* [nlayer] */
    int32_t *inputs;                 /* [ninput]: of all nodes, one after another */
    int32_t nvalue, nnode, nlayer, ninput;
};
/* All of content but the constants, weights and scales. Memory from arena. */
int ohm_network_records_make(const struct ohm_network_file *content, struct ohm_arena *arena, struct ohm_network_records *records);
/* Over the records, constants, weights and scales. */
uint64_t ohm_network_digest(const struct ohm_network_file *content, const struct ohm_network_records *records);
/* Builds content->network and ->intnet from a file, checking everything. */
int ohm_network_graph_read(hid_t file, struct ohm_network_file *content);

#endif
