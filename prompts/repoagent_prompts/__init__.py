"""The prompts, one Jinja2 file each; `repoagent.prompting` says what each one is given."""
