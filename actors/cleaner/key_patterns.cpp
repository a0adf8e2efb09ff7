// The forms are those that the services document or that their own scanners use.
#include "actors/cleaner/key_patterns.hpp"

namespace mendel::cleaner {
namespace {

constexpr KeyPattern kPatterns[] = {
    {"aws_access_key", "access key id of Amazon Web Services", "AKIA", Alphabet::upper_digits, 16, 16},
    {"aws_session_key", "temporary access key id of Amazon Web Services", "ASIA", Alphabet::upper_digits, 16, 16},
    {"github_token", "personal access token of GitHub", "ghp_", Alphabet::alnum, 36, 36},
    {"github_oauth", "OAuth token of GitHub", "gho_", Alphabet::alnum, 36, 36},
    {"github_user_token", "user-to-server token of a GitHub app", "ghu_", Alphabet::alnum, 36, 36},
    {"github_app_token", "server-to-server token of a GitHub app", "ghs_", Alphabet::alnum, 36, 36},
    {"github_refresh_token", "refresh token of a GitHub app", "ghr_", Alphabet::alnum, 36, 76},
    {"github_fine_token", "fine-grained token of GitHub", "github_pat_", Alphabet::word, 40, 100},
    {"gitlab_token", "personal access token of GitLab", "glpat-", Alphabet::base64url, 20, 60},
    {"google_api_key", "API key of Google", "AIza", Alphabet::base64url, 35, 35},
    {"google_oauth", "OAuth token of Google", "ya29.", Alphabet::base64url, 30, 250},
    {"slack_token", "bot token of Slack", "xoxb-", Alphabet::base64url, 20, 120},
    {"slack_user_token", "user token of Slack", "xoxp-", Alphabet::base64url, 20, 120},
    {"slack_app_token", "app token of Slack", "xapp-", Alphabet::base64url, 20, 120},
    {"stripe_key", "live secret key of Stripe", "sk_live_", Alphabet::alnum, 20, 110},
    {"stripe_restricted_key", "live restricted key of Stripe", "rk_live_", Alphabet::alnum, 20, 110},
    {"openai_key", "project key of OpenAI", "sk-proj-", Alphabet::base64url, 40, 200},
    {"anthropic_key", "key of Anthropic", "sk-ant-", Alphabet::base64url, 40, 200},
    {"openai_old_key", "key of OpenAI", "sk-", Alphabet::alnum, 48, 48},
    {"huggingface_token", "token of Hugging Face", "hf_", Alphabet::alnum, 30, 40},
    {"npm_token", "token of npm", "npm_", Alphabet::alnum, 36, 36},
    {"pypi_token", "upload token of PyPI", "pypi-AgE", Alphabet::base64url, 50, 250},
    {"sendgrid_key", "key of SendGrid", "SG.", Alphabet::base64url, 22, 22},
    {"twilio_key", "key of Twilio", "SK", Alphabet::hex, 32, 32},
    {"mailgun_key", "key of Mailgun", "key-", Alphabet::hex, 32, 32},
    {"digitalocean_token", "token of DigitalOcean", "dop_v1_", Alphabet::hex, 64, 64},
    {"shopify_token", "token of Shopify", "shpat_", Alphabet::hex, 32, 32},
    {"databricks_token", "token of Databricks", "dapi", Alphabet::hex, 32, 32},
};

bool between(char c, char first, char last) { return c >= first && c <= last; }

}  // namespace

bool is_in(Alphabet alphabet, char c) {
  const bool digit = between(c, '0', '9'), upper = between(c, 'A', 'Z'), lower = between(c, 'a', 'z');
  if (alphabet == Alphabet::upper_digits) return digit || upper;
  if (alphabet == Alphabet::hex) return digit || between(c, 'a', 'f');
  if (alphabet == Alphabet::word) return digit || upper || lower || c == '_';
  if (alphabet == Alphabet::base64url) return digit || upper || lower || c == '_' || c == '-';
  return digit || upper || lower;
}

std::span<const KeyPattern> key_patterns() { return kPatterns; }

std::size_t key_length(const KeyPattern& pattern, char before, std::string_view rest) {
  const std::string_view prefix = pattern.prefix;
  if (!rest.starts_with(prefix) || is_in(Alphabet::word, before)) return 0;
  std::size_t n = 0;
  while (prefix.size() + n < rest.size() && n <= pattern.most && is_in(pattern.alphabet, rest[prefix.size() + n])) ++n;
  // A longer run of the alphabet is something else.
  return n >= pattern.least && n <= pattern.most ? prefix.size() + n : 0;
}

}  // namespace mendel::cleaner
