#pragma once
#include <sys/types.h>

#include <string>

namespace bkmon::test {

/// A directory of its own under $TMPDIR, removed with everything in it (modes made passable first).
class TempTree {
public:
    TempTree();
    ~TempTree();
    TempTree(const TempTree&) = delete;
    TempTree& operator=(const TempTree&) = delete;

    const std::string& path() const { return path_; }
    std::string at(const std::string& relative) const { return path_ + "/" + relative; }

    void make_dirs(const std::string& relative) const;
    void put(const std::string& relative, const std::string& bytes) const;  ///< parents are made, an old file is replaced in place
    std::string get(const std::string& relative) const;                     ///< "<none>" when it cannot be read
    bool has(const std::string& relative) const;                            ///< the name itself, links not followed
    std::string names(const std::string& relative) const;                   ///< sorted, joined by a space

private:
    std::string path_;
};

/// What `check` says in a child that has become uid `uid` (and gid) without any capability: 0 is true. -1 when the change failed.
int run_as(uid_t uid, int (*check)(void*), void* argument);

}  // namespace bkmon::test
