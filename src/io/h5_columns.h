/* An array of structs as one data set per member, and back: the tables of result and network files are described once, as data.
 * Internal to io. */
#ifndef OHM_IO_H5_COLUMNS_H
#define OHM_IO_H5_COLUMNS_H
#include "h5.h"
#include <stddef.h>
#define XXH_STATIC_LINKING_ONLY /* for states without allocation */
#include <xxhash.h>

enum ohm_column_type {
    OHM_COLUMN_BOOL,
    OHM_COLUMN_INT8,
    OHM_COLUMN_INT32,
    OHM_COLUMN_INT64,
    OHM_COLUMN_FLOAT,
    OHM_COLUMN_DOUBLE,
    OHM_COLUMN_STRING,
    OHM_COLUMN_BESIDE /* an int64 that is not counted among the result's integers: it tells of the simulation, or follows from prices */
};

struct ohm_column {
    const char *name;          /* of the data set */
    enum ohm_column_type type; /* BOOL: int8 0 or 1 in the file; STRING: the member is a const char * */
    size_t offset;
    int width; /* elements of the member; 1: a data set [rows], more: [rows][width]; strings: 1 */
    struct ohm_h5_about about;
};
struct ohm_table {
    const struct ohm_column *columns;
    int ncolumn;
    size_t stride; /* sizeof the struct */
};
#define OHM_TABLE(columns, type)                                                                                                                     \
    { columns, (int)(sizeof(columns) / sizeof((columns)[0])), sizeof(type) }

int ohm_table_write(hid_t at, const struct ohm_table *table, const void *rows, int64_t nrow);
/* Fills the members of rows[nrow]; strings live in arena. Fails when a column is missing or has another shape or type. */
int ohm_table_read(hid_t at, const struct ohm_table *table, struct ohm_arena *arena, void *rows, int64_t nrow);

/* Adds the columns, one after another, as their bytes in the file (little endian); strings enter with their final 0. */
void ohm_table_digest(const struct ohm_table *table, const void *rows, int64_t nrow, bool integers_only, XXH64_state_t *state);

#endif
