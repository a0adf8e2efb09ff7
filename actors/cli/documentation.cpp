// Man page and shell completions, made of the same table of commands and options as the help.
#include <sstream>

#include "actors/cli/application.hpp"

namespace mendel::cli {
namespace {

std::string escaped(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '-') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); });
}

std::string options_of(const CLI::App& app) {
  std::string out;
  for (const auto* option : app.get_options())
    if (!option->get_lnames().empty()) out += (out.empty() ? "--" : " --") + option->get_lnames().front();
  return out;
}

void man_options(const CLI::App& app, std::ostream& out) {
  for (const auto* option : app.get_options()) {
    if (option->nonpositional()) out << ".TP\n.B " << escaped(option->get_name(false, true)) << "\n";
    else out << ".TP\n.I " << escaped(option->get_name(true, false)) << "\n";
    out << escaped(option->get_description()) << "\n";
  }
}

void man_command(const CLI::App& app, const std::string& prefix, std::ostream& out) {
  const auto name = prefix + " " + app.get_name();
  out << ".SS " << escaped(name) << "\n" << escaped(app.get_description()) << "\n";
  man_options(app, out);
  if (!app.get_footer().empty()) out << ".PP\n.nf\n" << escaped(app.get_footer()) << "\n.fi\n";
  for (const auto* sub : commands_of(app)) man_command(*sub, name, out);
}

std::string bash_script(const CLI::App& app) {
  std::ostringstream out;
  const auto name = app.get_name();
  out << "_" << name << "() {\n  local word=${COMP_WORDS[COMP_CWORD]} command=\n"
      << "  local i; for ((i = 1; i < COMP_CWORD; i++)); do case ${COMP_WORDS[i]} in -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac; done\n"
      << "  case $command in\n";
  std::string names;
  for (const auto* sub : commands_of(app)) {
    names += (names.empty() ? "" : " ") + sub->get_name();
    std::string words = options_of(*sub) + " " + options_of(app);
    for (const auto* nested : commands_of(*sub)) words += " " + nested->get_name() + " " + options_of(*nested);
    out << "    " << sub->get_name() << ") COMPREPLY=($(compgen -W \"" << words << "\" -- \"$word\") $(compgen -f -- \"$word\")) ;;\n";
  }
  out << "    *) COMPREPLY=($(compgen -W \"" << names << " " << options_of(app) << "\" -- \"$word\")) ;;\n  esac\n}\n"
      << "complete -o filenames -F _" << name << " " << name << "\n";
  return out.str();
}

// Both for `eval` and as a file on fpath, which zsh runs as a function when it completes for the first time.
std::string zsh_script(const CLI::App& app) {
  const auto name = "_" + app.get_name();
  return "#compdef " + app.get_name() + "\nautoload -U +X bashcompinit && bashcompinit\n" + bash_script(app) +
         "[ \"$funcstack[1]\" != " + name + " ] || _bash_complete -o filenames -F " + name + "\n";
}

std::string fish_script(const CLI::App& app) {
  std::ostringstream out;
  const auto name = app.get_name();
  for (const auto* sub : commands_of(app)) {
    out << "complete -c " << name << " -n __fish_use_subcommand -f -a " << sub->get_name() << " -d '" << sub->get_description() << "'\n";
    for (const auto* option : sub->get_options())
      if (!option->get_lnames().empty())
        out << "complete -c " << name << " -n '__fish_seen_subcommand_from " << sub->get_name() << "' -l " << option->get_lnames().front() << "\n";
  }
  return out.str();
}

}  // namespace

std::string man_page(const CLI::App& app) {
  std::ostringstream out;
  out << ".TH " << app.get_name() << " 1 \"\" \"" << app.get_name() << " " MENDEL_VERSION << "\" \"User Commands\"\n"
      << ".SH NAME\n" << app.get_name() << " \\- " << escaped(app.get_description()) << "\n"
      << ".SH SYNOPSIS\n.B " << app.get_name() << "\n[options] COMMAND [options]\n.SH OPTIONS\n";
  man_options(app, out);
  out << ".SH COMMANDS\n";
  for (const auto* sub : commands_of(app)) man_command(*sub, app.get_name(), out);
  out << ".SH NOTES\n.nf\n" << escaped(app.get_footer()) << "\n.fi\n";
  return out.str();
}

std::string completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash_script(app);
  if (shell == "zsh") return zsh_script(app);
  if (shell == "fish") return fish_script(app);
  return {};
}

}  // namespace mendel::cli
