#pragma once
#include <memory>

namespace bkmon {

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* p) const noexcept {
        static_cast<void>(Free(p));
    }
};

/// Owns one handle of a C library. Members are destroyed bottom up: declare what is used before what uses it.
template <class T, auto Free>
using CPtr = std::unique_ptr<T, Freer<Free>>;

}  // namespace bkmon
