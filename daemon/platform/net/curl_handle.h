#pragma once
#include <curl/curl.h>

#include <string>

#include "common/base/c_ptr.h"

namespace bkmon::net {

using EasyPtr = CPtr<CURL, &curl_easy_cleanup>;
using MultiPtr = CPtr<CURLM, &curl_multi_cleanup>;
using ListPtr = CPtr<curl_slist, &curl_slist_free_all>;

/// Any thread; makes the library ready where nobody did.
MultiPtr new_multi();

/// A handle with what holds for every transfer: no signals, no proxy of the environment, no thread that looks up a name waited for,
/// certificates verified against `ca_file` alone or, without one, against the system's, TLS 1.2 at least.
EasyPtr new_easy(const std::string& ca_file);

}  // namespace bkmon::net
