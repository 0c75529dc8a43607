/* Inflating a raw deflate stream from memory to memory: RFC 1951.
 *
 * The size of the result is known beforehand. Answers 1 where the stream is well-formed and gives exactly so many
 * bytes; neither buffer is ever left, whatever the stream says. A code is looked up by its 15 bits at once.
 */
#include <stdint.h>
#include <string.h>

enum { INFLATE_BITS = 15, INFLATE_CODES = 1 << INFLATE_BITS };

/* symbol << 4 | length of the code, 0 where no code begins so */
typedef uint16_t InflateTable[INFLATE_CODES];

typedef struct {
    const uint8_t *in, *in_end;
    uint8_t *start, *out, *out_end;
    uint64_t bits;
    int held, missing; /* how many bits are held, and how many of them lie behind the end */
} Inflate;

static void inflate_refill(Inflate *s) {
    for (; s->held <= 56; s->held += 8) {
        if (s->in < s->in_end) s->bits |= (uint64_t)*s->in++ << s->held;
        else s->missing += 8;
    }
}

static unsigned inflate_bits(Inflate *s, int count) {
    unsigned value = (unsigned)(s->bits & ((1ull << count) - 1));
    s->bits >>= count;
    s->held -= count;
    return value;
}

/* The canonical code of these lengths; 0 where there are more codes than bits to say them, or fewer. As in zlib, a code of
 * no symbol or of a single one may leave bits unused where `sparse` says so. */
static int inflate_table(InflateTable table, const uint8_t *lengths, int count, int sparse) {
    int counts[INFLATE_BITS + 1] = {0}, next[INFLATE_BITS + 1], code = 0, left = 1, longest = 0;
    memset(table, 0, sizeof(InflateTable));
    for (int symbol = 0; symbol < count; symbol++) counts[lengths[symbol]]++;
    counts[0] = 0;
    for (int length = 1; length <= INFLATE_BITS; length++) {
        code = (code + counts[length - 1]) << 1;
        next[length] = code;
        left = 2 * left - counts[length];
        if (left < 0) return 0;
        if (counts[length]) longest = length;
    }
    if (left > 0 && longest && !(sparse && longest == 1)) return 0;
    for (int symbol = 0; symbol < count; symbol++) {
        int length = lengths[symbol], reversed = 0;
        if (!length) continue;
        for (int bit = 0, value = next[length]++; bit < length; bit++, value >>= 1) reversed = reversed << 1 | (value & 1);
        for (int at = reversed; at < INFLATE_CODES; at += 1 << length) table[at] = (uint16_t)(symbol << 4 | length);
    }
    return 1;
}

static int inflate_symbol(Inflate *s, const InflateTable table) {
    unsigned entry = table[s->bits & (INFLATE_CODES - 1)];
    if (!entry) return -1;
    inflate_bits(s, entry & 15);
    return (int)(entry >> 4);
}

static int inflate_stored(Inflate *s) {
    inflate_bits(s, s->held & 7);
    unsigned size = inflate_bits(s, 16), complement = inflate_bits(s, 16);
    if (size != (complement ^ 0xffff) || s->missing > s->held) return 0;
    s->in -= (s->held - s->missing) / 8; /* what was held of the bytes that follow */
    s->bits = 0, s->held = s->missing = 0;
    if (size > (uint64_t)(s->in_end - s->in) || size > (uint64_t)(s->out_end - s->out)) return 0;
    memcpy(s->out, s->in, size);
    s->in += size, s->out += size;
    return 1;
}

static int inflate_lengths(Inflate *s, InflateTable symbols, InflateTable distances) {
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[320] = {0}, of_lengths[19] = {0};
    int symbol_count = 257 + (int)inflate_bits(s, 5), distance_count = 1 + (int)inflate_bits(s, 5);
    int count = symbol_count + distance_count, given = 4 + (int)inflate_bits(s, 4);
    for (int i = 0; i < given; i++) {
        inflate_refill(s);
        of_lengths[order[i]] = (uint8_t)inflate_bits(s, 3);
    }
    if (!inflate_table(symbols, of_lengths, 19, 0)) return 0;
    for (int at = 0; at < count;) {
        inflate_refill(s);
        int symbol = inflate_symbol(s, symbols), times = 1;
        uint8_t length = (uint8_t)symbol;
        if (symbol < 0 || (symbol == 16 && at == 0)) return 0;
        if (symbol == 16) length = lengths[at - 1], times = 3 + (int)inflate_bits(s, 2);
        if (symbol == 17) length = 0, times = 3 + (int)inflate_bits(s, 3);
        if (symbol == 18) length = 0, times = 11 + (int)inflate_bits(s, 7);
        if (times > count - at) return 0;
        memset(lengths + at, length, (size_t)times);
        at += times;
    }
    if (!lengths[256] || symbol_count > 286 || distance_count > 30) return 0;
    return inflate_table(symbols, lengths, symbol_count, 1) &&
           inflate_table(distances, lengths + symbol_count, distance_count, 1);
}

static int inflate_fixed(InflateTable symbols, InflateTable distances) {
    uint8_t lengths[288];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    int good = inflate_table(symbols, lengths, 288, 0);
    memset(lengths, 5, 32);
    return good && inflate_table(distances, lengths, 32, 0);
}

static int inflate_copy(Inflate *s, int symbol, const InflateTable distances) {
    static const uint16_t sizes[29] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27,
                                       31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t size_bits[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t backs[30] = {1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
                                       1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    if (symbol > 285) return 0;
    unsigned size = sizes[symbol - 257] + inflate_bits(s, size_bits[symbol - 257]);
    int far = inflate_symbol(s, distances);
    if (far < 0 || far > 29) return 0;
    unsigned back = backs[far] + inflate_bits(s, far < 2 ? 0 : far / 2 - 1);
    if (back > (uint64_t)(s->out - s->start) || size > (uint64_t)(s->out_end - s->out)) return 0;
    for (; size; size--, s->out++) *s->out = s->out[-(int64_t)back]; /* what is copied may reach into itself */
    return 1;
}

static int inflate_block(Inflate *s, const InflateTable symbols, const InflateTable distances) {
    for (;;) {
        inflate_refill(s); /* 57 bits: the longest symbol with its copy has 48 */
        if (s->missing > s->held) return 0;
        int symbol = inflate_symbol(s, symbols);
        if (symbol < 0) return 0;
        if (symbol == 256) return 1;
        if (symbol > 256) {
            if (!inflate_copy(s, symbol, distances)) return 0;
        } else {
            if (s->out == s->out_end) return 0;
            *s->out++ = (uint8_t)symbol;
        }
    }
}

static int inflate(const uint8_t *in, uint64_t in_size, uint8_t *out, uint64_t out_size) {
    static InflateTable symbols, distances;
    Inflate s = {in, in + in_size, out, out, out + out_size, 0, 0, 0};
    for (int last = 0, good; !last;) {
        inflate_refill(&s);
        last = (int)inflate_bits(&s, 1);
        switch (inflate_bits(&s, 2)) {
            case 0: good = inflate_stored(&s); break;
            case 1: good = inflate_fixed(symbols, distances) && inflate_block(&s, symbols, distances); break;
            case 2: good = inflate_lengths(&s, symbols, distances) && inflate_block(&s, symbols, distances); break;
            default: good = 0;
        }
        if (!good || s.missing > s.held) return 0;
    }
    return s.out == s.out_end && s.in == s.in_end && s.held - s.missing < 8; /* less than a byte is left of it */
}
