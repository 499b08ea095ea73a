"""The first job: decide whether a run is allowed, check what it needs, and freeze what exactly is asked for.

It has the right to write comments, so it runs no model and no code of the repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.action import event, files
from repoagent.action.event import Command, Trigger
from repoagent.action.files import Asked
from repoagent.action.gate import Rules, refusal
from repoagent.action.preflight import Need, of_github
from repoagent.action.runner import Runner
from repoagent.domain import Issue
from repoagent.errors import EnvironmentFailed, UserError
from repoagent.github.api import Api
from repoagent.issue.sanitise import describe_removed, remove_hidden
from repoagent.issue.sources.github import AskedAt, convert_issue, fetch_comments
from repoagent.policy import PATH, Policy, parse
from repoagent.publish.comment import Progress, find, run_of, say
from repoagent.publish.markdown import shown


def begin(runner: Runner) -> int:
    """Check the event, and leave the request for the next job. The exit code is 0 also where nothing is to be done."""
    trigger, api = event.read(runner.event_name, runner.event), runner.api
    why = refusal(trigger, _rules(runner), api)
    if trigger is None or why:
        runner.output(go=False)
        runner.summarise(f"No run: {shown(why)}")
        return 0
    return _Beginning(runner, api, trigger).go()


@dataclass(frozen=True)
class _Beginning:
    runner: Runner
    api: Api
    trigger: Trigger

    def go(self) -> int:
        """Freeze the issue, write the comment, and hand over to the next job."""
        if self.trigger.comment:
            self._acknowledge()
        facts = self.api.facts()
        missing = [need for need in of_github(self.api) if need.problem]
        if missing:
            return self._refuse(missing)
        policy = parse(self.api.file(PATH, facts.default_branch))
        tip = self.api.branch(facts.default_branch)
        if tip is None:
            raise UserError(f"the default branch {facts.default_branch} has no commit yet")
        issue, notices = self._frozen()
        asked = Asked(issue, self.trigger.number, tip.commit.sha, tuple(notices), self._minutes, self._tokens)
        files.write(self.runner.folder, files.REQUEST, asked)
        self._hand_over(asked, policy)
        return 0

    @property
    def _command(self) -> Command:
        return self.trigger.command or Command()

    @property
    def _minutes(self) -> int:
        """The minutes asked for, and no more than the workflow allows."""
        allowed = self.runner.number("max-minutes", 30)
        return min(self._command.minutes, allowed) if self._command.minutes else self.runner.number("minutes", allowed)

    @property
    def _tokens(self) -> int:
        allowed = self.runner.number("max-tokens", 300_000)
        return min(self._command.tokens or allowed, allowed)

    def _acknowledge(self) -> None:
        try:
            self.api.react(self.trigger.comment)
        except (UserError, EnvironmentFailed) as error:  # a courtesy, and not worth a failure
            self.runner.summarise(f"The comment could not be reacted to: {shown(str(error))}")

    def _refuse(self, missing: Sequence[Need]) -> int:
        self.runner.output(go=False)
        lines = [f"- **{need.name}**: {shown(need.problem, 600)}" for need in missing]
        self.runner.summarise("\n".join(["### Something is missing", "", *lines]))
        problems = "; ".join(f"{need.name}: {need.problem}" for need in missing)
        say(self.api, self._progress("stopped", f"Before anything was run: {problems}."))
        return 1

    def _frozen(self) -> tuple[Issue, list[str]]:
        """Read the issue as it was when the run was asked for, without hidden text; return it with notices."""
        notices: list[str] = []
        given = self.trigger.issue or self.api.issue(self.trigger.number)
        if given.pull_request is not None:
            raise UserError(f"#{self.trigger.number} is a pull request: name the issue that it is about")
        frozen = AskedAt(self.trigger.moment, members_only=self.runner.given("comments", "members") != "all")
        comments = tuple(fetch_comments(self.api, self.trigger.number, given.user, notices.append, frozen))
        url = f"{self.api.repository.url}/issues/{self.trigger.number}"
        issue, cleaned = remove_hidden(convert_issue(given, comments, url))
        return issue, [*notices, *describe_removed(cleaned)]

    def _hand_over(self, asked: Asked, policy: Policy) -> None:
        before = find(self.api, asked.number)
        previous = run_of(before) if before and self._command.resume else 0
        comment = 0
        if policy.comments:
            progress = self._progress("working", minutes=str(asked.minutes), notices=asked.notices)
            comment = say(self.api, progress, before.id if before else 0).id
        self.runner.output(go=True, number=asked.number, base=asked.base, comment=comment, resume_run=previous or "")
        self.runner.output(minutes=asked.minutes, tokens=asked.tokens, job_minutes=asked.minutes + 30)
        what = f"A run on issue {asked.number} begins, at commit `{asked.base[:10]}`."
        self.runner.summarise("\n".join([what, *(f"- {shown(notice)}" for notice in asked.notices)]))

    def _progress(self, state: str, stopped: str = "", **values: object) -> Progress:
        facts = {"number": self.trigger.number, "run": self.runner.run, "run_url": self.runner.run_url}
        return Progress(state, **facts, actor=self.trigger.actor.login, stopped=stopped, **values)  # type: ignore[arg-type]


def _rules(runner: Runner) -> Rules:
    bots = frozenset(filter(None, (name.strip() for name in runner.given("allow-bots").split(",")))) - {"*"}
    return Rules(runner.given("label", "repoagent"), bots)
