"""The first job: decide whether a run is allowed, check what it needs, and freeze what exactly is asked for.

It has the right to write comments, so it runs no model and no code of the repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.action import event, files
from repoagent.action.event import CommentCommand, Trigger
from repoagent.action.files import SolveRequest
from repoagent.action.gate import GateRules, explain_refusal
from repoagent.action.preflight import Need, check_github
from repoagent.action.runner import ActionRunner
from repoagent.domain import Issue
from repoagent.errors import EnvironmentFailed, UserError
from repoagent.github.api import Api
from repoagent.issue.sanitise import describe_removed, remove_hidden
from repoagent.issue.sources.github import AskedAt, convert_issue, fetch_comments
from repoagent.policy import POLICY_PATH, Policy, parse_policy
from repoagent.publish.comment import IssueProgress, find_comment, read_run_id, write_comment
from repoagent.publish.markdown import escape_line


def begin_run(runner: ActionRunner) -> int:
    """Check the event, and leave the request for the next job. The exit code is 0 also where nothing is to be done."""
    trigger, api = event.read_trigger(runner.event_name, runner.event), runner.api
    why = explain_refusal(trigger, _read_rules(runner), api)
    if trigger is None or why:
        runner.write_outputs(go=False)
        runner.add_summary(f"No run: {escape_line(why)}")
        return 0
    return _RunStart(runner, api, trigger).run()


@dataclass(frozen=True)
class _RunStart:
    runner: ActionRunner
    api: Api
    trigger: Trigger

    def run(self) -> int:
        """Freeze the issue, write the comment, and hand over to the next job."""
        if self.trigger.comment:
            self._acknowledge()
        facts = self.api.get_repository()
        missing = [need for need in check_github(self.api) if need.problem]
        if missing:
            return self._refuse(missing)
        policy = parse_policy(self.api.read_file(POLICY_PATH, facts.default_branch))
        tip = self.api.find_branch(facts.default_branch)
        if tip is None:
            raise UserError(f"the default branch {facts.default_branch} has no commit yet")
        issue, notices = self._freeze_issue()
        asked = SolveRequest(issue, self.trigger.number, tip.commit.sha, tuple(notices), self._minutes, self._tokens)
        files.write_value(self.runner.folder, files.REQUEST, asked)
        self._hand_over(asked, policy)
        return 0

    @property
    def _command(self) -> CommentCommand:
        return self.trigger.command or CommentCommand()

    @property
    def _minutes(self) -> int:
        """The minutes asked for, and no more than the workflow allows."""
        allowed = self.runner.read_number("max-minutes", 30)
        return (
            min(self._command.minutes, allowed)
            if self._command.minutes
            else self.runner.read_number("minutes", allowed)
        )

    @property
    def _tokens(self) -> int:
        allowed = self.runner.read_number("max-tokens", 300_000)
        return min(self._command.tokens or allowed, allowed)

    def _acknowledge(self) -> None:
        try:
            self.api.react_to_comment(self.trigger.comment)
        except (UserError, EnvironmentFailed) as error:  # a courtesy, and not worth a failure
            self.runner.add_summary(f"The comment could not be reacted to: {escape_line(str(error))}")

    def _refuse(self, missing: Sequence[Need]) -> int:
        self.runner.write_outputs(go=False)
        lines = [f"- **{need.name}**: {escape_line(need.problem, 600)}" for need in missing]
        self.runner.add_summary("\n".join(["### Something is missing", "", *lines]))
        problems = "; ".join(f"{need.name}: {need.problem}" for need in missing)
        write_comment(self.api, self._make_progress("stopped", f"Before anything was run: {problems}."))
        return 1

    def _freeze_issue(self) -> tuple[Issue, list[str]]:
        """Read the issue as it was when the run was asked for, without hidden text; return it with notices."""
        notices: list[str] = []
        given = self.trigger.issue or self.api.get_issue(self.trigger.number)
        if given.pull_request is not None:
            raise UserError(f"#{self.trigger.number} is a pull request: name the issue that it is about")
        frozen = AskedAt(self.trigger.moment, members_only=self.runner.read_input("comments", "members") != "all")
        comments = tuple(fetch_comments(self.api, self.trigger.number, given.user, notices.append, frozen))
        url = f"{self.api.repository.url}/issues/{self.trigger.number}"
        issue, cleaned = remove_hidden(convert_issue(given, comments, url))
        return issue, [*notices, *describe_removed(cleaned)]

    def _hand_over(self, asked: SolveRequest, policy: Policy) -> None:
        before = find_comment(self.api, asked.number)
        previous = read_run_id(before) if before and self._command.resume else 0
        comment = 0
        if policy.comments:
            progress = self._make_progress("working", minutes=str(asked.minutes), notices=asked.notices)
            comment = write_comment(self.api, progress, before.id if before else 0).id
        self.runner.write_outputs(
            go=True, number=asked.number, base=asked.base, comment=comment, resume_run=previous or ""
        )
        self.runner.write_outputs(minutes=asked.minutes, tokens=asked.tokens, job_minutes=asked.minutes + 30)
        what = f"A run on issue {asked.number} begins, at commit `{asked.base[:10]}`."
        self.runner.add_summary("\n".join([what, *(f"- {escape_line(notice)}" for notice in asked.notices)]))

    def _make_progress(self, state: str, stopped: str = "", **values: object) -> IssueProgress:
        facts = {"number": self.trigger.number, "run": self.runner.run, "run_url": self.runner.run_url}
        return IssueProgress(state, **facts, actor=self.trigger.actor.login, stopped=stopped, **values)  # type: ignore[arg-type]


def _read_rules(runner: ActionRunner) -> GateRules:
    bots = frozenset(filter(None, (name.strip() for name in runner.read_input("allow-bots").split(",")))) - {"*"}
    return GateRules(runner.read_input("label", "repoagent"), bots)
