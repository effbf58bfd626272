#pragma once
#include <functional>

#include "daemon/platform/smb/visit.h"
#include "daemon/platform/smb/worker/backend.h"

namespace bkmon::smb {

/// How long this process has waited and worked: for Visit::took.
using Stopwatch = std::function<milliseconds()>;

/// Carries out one order: its shares in their order, the first that has the folder counts; which of its files is the newest, and what
/// that one's first and last bytes say. A share that is not there, or not readable, is passed over when others may have the folder; every
/// other failure (a refused login above all) ends the visit at once. Calls begin() (with the connection) and forget() of the
/// backend.
Visit carry_out(const Order& order, UniqueFd connection, Backend& backend, const Stopwatch& stopwatch);

/// What makes an order impossible, for people; empty: nothing. Nobody is asked for such an order.
std::string flaw(const Order& order);

/// A time of a server within 1970 … 9999.
Time clamped(const Stamp& stamp);

}  // namespace bkmon::smb
