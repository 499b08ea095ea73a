// A reporter for Node's own test runner: one JSON object a line for each test that ended, its suites' names before it.
import { relative } from 'node:path';

export default async function* report(source) {
  const open = new Map();
  for await (const { type, data } of source) {
    const path = data.file ?? '';
    if (type === 'test:start') open.set(data.nesting, data.name);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') continue;
    const names = [...Array(data.nesting).keys()].map((level) => open.get(level) ?? '');
    const error = data.details?.error;
    const cause = error?.cause ?? error;
    yield JSON.stringify({
      file: path && relative(process.cwd(), path),
      names: [...names, data.name],
      status: data.skip !== undefined && data.skip !== false ? 'skip' : data.todo ? 'todo' : type.slice(5),
      seconds: (data.details?.duration_ms ?? 0) / 1000,
      message: type === 'test:fail' ? String(cause?.stack ?? cause?.message ?? cause).slice(0, 6000) : '',
    }) + '\n';
  }
}
