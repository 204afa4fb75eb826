/* Columns are gathered into one block each, written or read whole, and spread again. */
#include "h5_columns.h"
#include "ohmtally/status.h"
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(bool) == 1, "bools are read and written as bytes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are over little-endian bytes; swap before hashing to run elsewhere");

static hid_t memory_type(enum ohm_column_type type) {
    switch (type) {
    case OHM_COLUMN_BOOL:
    case OHM_COLUMN_INT8:
        return H5T_NATIVE_INT8;
    case OHM_COLUMN_INT32:
        return H5T_NATIVE_INT32;
    case OHM_COLUMN_INT64:
    case OHM_COLUMN_BESIDE:
        return H5T_NATIVE_INT64;
    case OHM_COLUMN_FLOAT:
        return H5T_NATIVE_FLOAT;
    case OHM_COLUMN_DOUBLE:
        return H5T_NATIVE_DOUBLE;
    case OHM_COLUMN_STRING:
        break;
    }
    return H5I_INVALID_HID;
}

/* Bytes of one entry in memory. */
static size_t entry_bytes(const struct ohm_column *column) {
    static const size_t bytes[] = {[OHM_COLUMN_BOOL] = 1,   [OHM_COLUMN_INT8] = 1,  [OHM_COLUMN_INT32] = 4,  [OHM_COLUMN_INT64] = 8,
                                   [OHM_COLUMN_BESIDE] = 8, [OHM_COLUMN_FLOAT] = 4, [OHM_COLUMN_DOUBLE] = 8, [OHM_COLUMN_STRING] = sizeof(char *)};
    return bytes[column->type] * (size_t)column->width;
}

/* Between rows of structs and one column in a block of its own. */
static void gather(const struct ohm_table *table, const struct ohm_column *column, const void *rows, int64_t nrow, void *block) {
    size_t bytes = entry_bytes(column);
    for (size_t i = 0; i < (size_t)nrow; i++) memcpy((char *)block + i * bytes, (const char *)rows + i * table->stride + column->offset, bytes);
}

static void spread(const struct ohm_table *table, const struct ohm_column *column, const void *block, int64_t nrow, void *rows) {
    size_t bytes = entry_bytes(column);
    for (size_t i = 0; i < (size_t)nrow; i++) memcpy((char *)rows + i * table->stride + column->offset, (const char *)block + i * bytes, bytes);
}

static int column_write(hid_t at, const struct ohm_table *table, const struct ohm_column *column, const void *rows, int64_t nrow) {
    hsize_t dims[2] = {(hsize_t)nrow, (hsize_t)column->width};
    void *block = ohm_alloc_array((size_t)nrow, entry_bytes(column));
    if (!block) return OHM_E_MEMORY;
    gather(table, column, rows, nrow, block);
    int status = column->type == OHM_COLUMN_STRING
                     ? ohm_h5_write_strings(at, column->name, dims[0], block, column->about)
                     : ohm_h5_write(at, column->name, memory_type(column->type), column->width > 1 ? 2 : 1, dims, block, column->about);
    free(block);
    return status;
}

int ohm_table_write(hid_t at, const struct ohm_table *table, const void *rows, int64_t nrow) {
    for (int k = 0; k < table->ncolumn; k++) OHM_TRY(column_write(at, table, &table->columns[k], rows, nrow));
    return OHM_OK;
}

/* Another byte than 0 and 1 must not become a bool. */
static int bools_check(hid_t at, const struct ohm_column *column, const int8_t *block, int64_t nrow) {
    if (column->type != OHM_COLUMN_BOOL) return OHM_OK;
    for (int64_t i = 0; i < nrow * column->width; i++)
        if (block[i] != 0 && block[i] != 1)
            return ohm_h5_fail(OHM_E_INPUT, at, column->name, "use the data set: it holds other numbers than 0 and 1");
    return OHM_OK;
}

static int column_read(hid_t at, const struct ohm_table *table, const struct ohm_column *column, struct ohm_arena *arena, void *rows, int64_t nrow) {
    hsize_t dims[2] = {(hsize_t)nrow, (hsize_t)column->width};
    if (column->type == OHM_COLUMN_STRING) {
        const char **strings;
        OHM_TRY(ohm_h5_read_strings(at, column->name, dims[0], arena, &strings));
        spread(table, column, strings, nrow, rows);
        return OHM_OK;
    }
    void *block = ohm_alloc_array((size_t)nrow, entry_bytes(column));
    if (!block) return OHM_E_MEMORY;
    int status = ohm_h5_read(at, column->name, memory_type(column->type), column->width > 1 ? 2 : 1, dims, block);
    if (!status) status = bools_check(at, column, block, nrow);
    if (!status) spread(table, column, block, nrow, rows);
    free(block);
    return status;
}

int ohm_table_read(hid_t at, const struct ohm_table *table, struct ohm_arena *arena, void *rows, int64_t nrow) {
    for (int k = 0; k < table->ncolumn; k++) OHM_TRY(column_read(at, table, &table->columns[k], arena, rows, nrow));
    return OHM_OK;
}

void ohm_table_digest(const struct ohm_table *table, const void *rows, int64_t nrow, bool integers_only, XXH64_state_t *state) {
    for (int k = 0; k < table->ncolumn; k++) {
        const struct ohm_column *column = &table->columns[k];
        bool text = column->type == OHM_COLUMN_STRING;
        if (integers_only && column->type > OHM_COLUMN_INT64) continue;
        for (size_t i = 0; i < (size_t)nrow; i++) {
            const void *member = (const char *)rows + i * table->stride + column->offset;
            const char *string = NULL;
            if (text) memcpy(&string, member, sizeof string);
            XXH64_update(state, text ? string : member, text ? strlen(string) + 1 : entry_bytes(column));
        }
    }
}
