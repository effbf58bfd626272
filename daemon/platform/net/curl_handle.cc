#include "daemon/platform/net/curl_handle.h"

namespace bkmon::net {
namespace {

void make_ready() {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(ready);
}

}  // namespace

MultiPtr new_multi() {
    make_ready();
    return MultiPtr(curl_multi_init());
}

EasyPtr new_easy(const std::string& ca_file) {
    make_ready();
    EasyPtr easy(curl_easy_init());
    const auto set = [&easy](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // else the end of a transfer joins the thread that looks up a name
    set(CURLOPT_PROXY, "");
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!ca_file.empty()) {
        set(CURLOPT_CAINFO, ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    } else if (curl_version_info(CURLVERSION_NOW)->capath != nullptr) {
        // The folder is asked for the one that signed; the file of all of them would be read for each connection (18 ms).
        set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    }
    return easy;
}

}  // namespace bkmon::net
