// Builds what needs building, then becomes the server, or the package that is named on the command line: one process,
// so that signals reach it.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const [name = 'server'] = process.argv.slice(2)
const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('build.mjs', import.meta.url)), name], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)
await import(`../${name}/dist/main.js`)
