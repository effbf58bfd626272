#pragma once
#include <cstdint>
#include <string>

#include "daemon/platform/files/file_ops.h"

namespace bkmon::files {

/// When a file system has too little left: less than both the part and the figure, so that neither a large nor a small one cries wolf.
struct SpaceRule {
    int percent = 5;
    std::uint64_t bytes = std::uint64_t{10} << 30;
};

/// The low-water mark in bytes. `reserve`: so much of it is never filled, so the warning comes when twice that is left (at most a quarter of all).
std::uint64_t low_mark(const Space& space, const SpaceRule& rule, std::uint64_t reserve);

/// Whether it is low now. One that was low stays so until there is a quarter more than the mark: what goes up and down at the mark does
/// not speak each time.
bool is_low(const Space& space, const SpaceRule& rule, std::uint64_t reserve, bool was_low);

/// "1.2 GiB of 100 GiB free", with the inodes where those are what is missing.
std::string space_words(const Space& space, const SpaceRule& rule);

inline constexpr const char* kReserveName = ".bkmon-reserve";

/// Blocks that are kept so that they can be given back when nothing else is left: a file of `size` bytes that really has them. Ok when it
/// is there already; one of another size is made anew. Errc::no_space when it does not fit. Durable. Blocks.
Result<void> make_reserve(FileOps& ops, const std::string& folder, std::uint64_t size);
/// Gives them back; false when there were none.
Result<bool> release_reserve(FileOps& ops, const std::string& folder);

}  // namespace bkmon::files
