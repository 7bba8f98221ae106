// Compiles a package where its sources are newer than its last build, so that `npm start` is one command. Named on the
// command line: `server`, which is also what is built without a name, `sms-emulator` and `sdk`.
//
// Compiled aside, then moved over the last build file by file: a server that starts meanwhile, or a second build, never
// meets a half-written file; and a build that fails leaves the last one as it was.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const packages = ['server', 'sms-emulator', 'sdk']
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

const changedAt = (path) => {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || path.endsWith('.test.ts')) return 0
  const inside = found.isDirectory() ? readdirSync(path).map((name) => changedAt(join(path, name))) : []
  return Math.max(found.mtimeMs, ...inside)
}

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))

/** The SDK is compiled twice, so that both kinds of modules can have it; a folder's package.json says which kind it holds. */
const outputs = (folder, aside) =>
  existsSync(join(folder, 'tsconfig.cjs.json'))
    ? [
        { project: join(folder, 'tsconfig.json'), to: join(aside, 'esm'), type: 'module' },
        { project: join(folder, 'tsconfig.cjs.json'), to: join(aside, 'cjs'), type: 'commonjs' },
      ]
    : [{ project: folder, to: aside }]

const compile = (folder, aside) => {
  rmSync(aside, { recursive: true, force: true })
  for (const { project, to, type } of outputs(folder, aside)) {
    const compiled = spawnSync(process.execPath, [compiler, '--project', project, '--outDir', to], {
      stdio: 'inherit',
    })
    if (compiled.status !== 0) return compiled.status ?? 1
    if (type !== undefined) writeFileSync(join(to, 'package.json'), `${JSON.stringify({ type })}\n`)
  }
  return 0
}

const moveIntoPlace = (aside, dist) => {
  const made = filesIn(aside)
  for (const file of made) {
    mkdirSync(dirname(join(dist, file)), { recursive: true })
    renameSync(join(aside, file), join(dist, file))
  }
  for (const file of filesIn(dist)) {
    if (!file.startsWith('.') && !made.includes(file)) rmSync(join(dist, file), { force: true })
  }
}

const build = (name) => {
  const folder = join(root, name)
  const dist = join(folder, 'dist')
  const aside = join(dist, `.aside-${process.pid}`)
  const stamp = join(dist, '.built')
  const startedAt = new Date()
  const sourcesChangedAt = Math.max(
    changedAt(join(folder, 'src')),
    changedAt(join(folder, 'tsconfig.json')),
    changedAt(join(folder, 'tsconfig.cjs.json')),
    // The other packages extend it.
    changedAt(join(root, 'server', 'tsconfig.json')),
    changedAt(join(root, 'package-lock.json')),
  )
  if ((statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0) > sourcesChangedAt) return 0
  if (!existsSync(compiler)) {
    console.error(
      'Dialtone is not built and the compiler is not installed: run `npm install --include=dev` once, then `npm run build`.',
    )
    return 1
  }
  try {
    const status = compile(folder, aside)
    if (status !== 0) return status
    moveIntoPlace(aside, dist)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  writeFileSync(stamp, '')
  // What changes while the compiler reads is newer than this, and compiled next time.
  utimesSync(stamp, startedAt, startedAt)
  return 0
}

const named = process.argv.slice(2)
const unknown = named.find((name) => !packages.includes(name))
if (unknown !== undefined) {
  console.error(`There is no package ${unknown} to build, only ${packages.join(' and ')}.`)
  process.exit(1)
}
for (const name of named.length === 0 ? ['server'] : named) {
  const status = build(name)
  if (status !== 0) process.exit(status)
}
