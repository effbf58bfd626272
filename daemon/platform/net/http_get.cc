#include "daemon/platform/net/http_get.h"

#include <array>
#include <utility>

#include "common/base/text.h"
#include "daemon/platform/net/multi.h"

namespace bkmon::net {
namespace {

constexpr std::size_t kBody = 64 * 1024;  // read and thrown away, so that the connection can be used again
constexpr std::size_t kWords = 512;

/// The library names the host, and in some messages what was asked for.
std::string without(std::string text, const std::string& url) {
    for (auto at = text.find(url); at != std::string::npos && !url.empty(); at = text.find(url)) text.replace(at, url.size(), "the url");
    return text;
}

class CurlRequest final : public HttpClient::Request {
public:
    CurlRequest(std::shared_ptr<Multi> multi, const HttpGet& what, std::function<void(HttpAnswer)> done)
        : multi_(std::move(multi)), url_(what.url), done_(std::move(done)), easy_(new_easy(what.ca_file)) {
        set(CURLOPT_URL, url_.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_FOLLOWLOCATION, 0L);
        set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        set(CURLOPT_USERAGENT, "bkmond/" BKMON_VERSION);
        set(CURLOPT_ERRORBUFFER, error_.data());
        set(CURLOPT_WRITEFUNCTION, &CurlRequest::take);
        set(CURLOPT_WRITEDATA, static_cast<void*>(this));
        set(CURLOPT_TIMEOUT_MS, static_cast<long>(what.timeout.count()));
        set(CURLOPT_FORBID_REUSE, 1L);  // the next one is minutes away
        multi_->add(easy_.get(), [this](CURLcode code) { ended(code); });
    }
    ~CurlRequest() override { multi_->remove(easy_.get()); }

private:
    template <class T>
    void set(CURLoption option, T value) {
        curl_easy_setopt(easy_.get(), option, value);
    }
    static std::size_t take(char*, std::size_t size, std::size_t n, void* self) {
        auto& me = *static_cast<CurlRequest*>(self);
        me.taken_ += size * n;
        me.enough_ = me.taken_ > kBody;
        return me.enough_ ? 0 : size * n;
    }
    void ended(CURLcode code) {
        HttpAnswer answer;
        if (code == CURLE_OK || enough_)
            curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
        else
            answer.error = printable(without(error_[0] != '\0' ? error_.data() : curl_easy_strerror(code), url_), kWords);
        auto done = std::move(done_);
        done(std::move(answer));  // may destroy this
    }

    std::shared_ptr<Multi> multi_;
    std::string url_;
    std::size_t taken_ = 0;
    bool enough_ = false;
    std::function<void(HttpAnswer)> done_;
    std::array<char, CURL_ERROR_SIZE> error_{};
    EasyPtr easy_;
};

class CurlClient final : public HttpClient {
public:
    explicit CurlClient(loop::EventLoop& loop) : loop_(loop) {}
    std::unique_ptr<Request> get(const HttpGet& what, std::function<void(HttpAnswer)> done) override {
        if (!multi_) multi_ = std::make_shared<Multi>(loop_);  // libcurl takes a megabyte: only where it is used
        return std::make_unique<CurlRequest>(multi_, what, std::move(done));
    }

private:
    loop::EventLoop& loop_;
    std::shared_ptr<Multi> multi_;
};

}  // namespace

std::unique_ptr<HttpClient> make_http_client(loop::EventLoop& loop) { return std::make_unique<CurlClient>(loop); }

}  // namespace bkmon::net
