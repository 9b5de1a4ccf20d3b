// Functions in C++: templates, inline functions, methods, local constants, references.
#include <stdint.h>

struct Frame {
    int64_t slots[16];
    double reals[4];
    const char *text;
};

extern "C" int64_t host_function(int64_t a, int64_t b);
extern "C" int64_t host_data[4];

namespace vm {

template <class T> struct Value {
    T bits;
    static constexpr T table[4] = {3, 1, 4, 1};
    T scaled(T by) const { return bits * by + table[by & 3]; }
    template <int N> T rotated() const
    {
        static const T shifts[] = {N, N + 1, N + 2};
        return bits ^ (bits >> shifts[bits % 3]);
    }
};

struct Shape {
    virtual int64_t area(int64_t side) const = 0;
};

struct Square final : Shape {
    int64_t area(int64_t side) const override { return side * side; }
};

struct Circle final : Shape {
    int64_t area(int64_t side) const override { return side * side * 3 + 1; }
};

inline int64_t folded(const int64_t *from, int count)
{
    int64_t total = 1;
    for (int i = 0; i < count; i++) {
        total = total * 31 + from[i];
    }
    return total;
}

namespace {
int64_t hidden(int64_t a) { return a % 2 ? a * 7 : folded(&a, 1); }
}

int64_t add(Frame &frame, int64_t n)
{
    Value<int64_t> value{frame.slots[n & 15]};
    return value.scaled(n) + Value<int32_t>{(int32_t)n}.scaled(2);
}

int64_t rotate(Frame &frame, int64_t n)
{
    Value<uint64_t> value{(uint64_t)frame.slots[2] + (uint64_t)n};
    return (int64_t)(value.rotated<3>() + value.rotated<9>());
}

} // namespace vm

extern "C" int64_t op_area(Frame *frame, int64_t n)
{
    vm::Square square;
    vm::Circle circle;
    const vm::Shape *shapes[] = {&square, &circle};
    return shapes[n & 1]->area(frame->slots[1] + n);
}

extern "C" int64_t op_fold(Frame *frame, int64_t n)
{
    return vm::folded(frame->slots, (int)(n & 15)) + vm::hidden(n) + host_function(n, 2);
}

extern "C" int64_t op_lambda(Frame *frame, int64_t n)
{
    auto twice = [frame](int64_t i) { return frame->slots[i & 15] * 2; };
    auto sum = [&](auto self, int64_t i) -> int64_t { return i <= 0 ? 0 : twice(i) + self(self, i - 1); };
    return sum(sum, n & 7) + host_data[n & 3];
}

extern "C" int64_t op_add(Frame *frame, int64_t n)
{
    return vm::add(*frame, n) - vm::rotate(*frame, n);
}
