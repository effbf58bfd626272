#pragma once
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bkmon::config {

/// Values by form (core/job_names.h), of forms that are equal when masked: finds those whose form meets another without looking at the
/// rest. Two such forms meet when they agree wherever neither has an unknown digit. So the forms are kept apart by where their unknown digits
/// are, of which there are few kinds, and in each kind they are found by what is left when the asker's are unknown too.
template <class Value>
class ByForm {
public:
    Value& at(const std::string& form);
    /// use(Value&) for each whose form meets `form`.
    template <class Use>
    void each(const std::string& form, const Use& use);

private:
    using Found = std::unordered_map<std::string, std::vector<Value*>>;
    struct Kind {
        std::vector<std::pair<const std::string*, Value*>> members;
        std::map<std::string, Found> as_asked;  ///< by the asker's unknown digits; made when somebody asks
    };

    std::map<std::string, Value> all_;
    std::map<std::string, Kind> kinds_;  ///< by their unknown digits
};

/// Jobs by where they write and what they back up, so that among thousands each is compared only with the few it could meet.
class Likes {
public:
    struct Forms {
        std::string place, database;  ///< core/job_names.h
    };
    void add(const Forms& forms, std::size_t job);
    /// The jobs added so far that could have the same place and database.
    std::vector<std::size_t> of(const Forms& forms);

private:
    using Databases = ByForm<std::vector<std::size_t>>;
    using Places = ByForm<Databases>;
    std::unordered_map<std::string, Places> groups_;  ///< by what they are with every digit masked
};

}  // namespace bkmon::config
