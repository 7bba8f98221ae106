// Compiles the server when its sources are newer than the last build, so that `npm start` is one command.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const server = join(root, 'server')
const stamp = join(server, 'dist', '.built')
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

const newest = (path) =>
  statSync(path).isDirectory()
    ? Math.max(statSync(path).mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
    : statSync(path).mtimeMs

const changedAt = Math.max(newest(join(server, 'src')), newest(join(server, 'tsconfig.json')))
if (existsSync(stamp) && statSync(stamp).mtimeMs > changedAt) process.exit(0)
if (!existsSync(compiler)) {
  console.error(
    'Dialtone is not built and the compiler is not installed: run `npm install --include=dev` once, then `npm run build`.',
  )
  process.exit(1)
}

rmSync(join(server, 'dist'), { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [compiler, '--project', server], { stdio: 'inherit' })
if (status === 0) writeFileSync(stamp, '')
process.exit(status ?? 1)
