#pragma once
#include <memory>
#include <optional>
#include <utility>

namespace bkmon {

/// Like std::optional, for what is large and mostly absent: a pointer's size when there is nothing. Copies copy the value.
template <class T>
class Rare {
public:
    Rare() = default;
    Rare(std::nullopt_t) {}                                           // NOLINT(google-explicit-constructor): as std::optional
    Rare(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT(google-explicit-constructor)
    Rare(const Rare& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
    Rare(Rare&&) noexcept = default;
    Rare& operator=(const Rare& other) {
        value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
        return *this;
    }
    Rare& operator=(Rare&&) noexcept = default;
    ~Rare() = default;

    explicit operator bool() const { return value_ != nullptr; }
    bool has_value() const { return value_ != nullptr; }
    T& operator*() { return *value_; }
    const T& operator*() const { return *value_; }
    T* operator->() { return value_.get(); }
    const T* operator->() const { return value_.get(); }
    void reset() { value_.reset(); }

    friend bool operator==(const Rare& a, const Rare& b) { return a && b ? *a == *b : a.has_value() == b.has_value(); }

private:
    std::unique_ptr<T> value_;
};

}  // namespace bkmon
