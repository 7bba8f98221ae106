// Checks the SDK as its users get it: packed, unpacked where nothing else is installed, compiled and bundled there. Needs
// a build (`npm run build`) and `npm ci --prefix sdk/tools`. Says every fault that it finds, and exits 1 where there is one.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const tools = dirname(fileURLToPath(import.meta.url))
const sdk = join(tools, '..')
const { resolve } = createRequire(import.meta.url)
const compiler = resolve('typescript/bin/tsc')

/** Of the client alone, minified and compressed: what a page pays for it. */
const mostBytes = 8_000

const folder = mkdtempSync(join(tmpdir(), 'dialtone-sdk-check-'))
const unpacked = join(folder, 'node_modules/@dialtone/sdk')

class Fault extends Error {}

/** @throws Fault with what the program printed */
const run = (program, given, { cwd = sdk } = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...given], {
    cwd,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Fault(`${stdout}${stderr}`.trim())
  return stdout
}

const compileTests = () => {
  for (const project of ['tsconfig.test.json', 'test/types']) run(compiler, ['--project', project])
}

const isWanted = (path) =>
  ['LICENSE', 'README.md', 'package.json'].includes(path) ||
  /^dist\/(cjs|esm)\/([\w-]+\/)*([\w-]+\.(js|d\.ts)|package\.json)$/.test(path)

/** @returns the path of the tarball, and what it holds */
const pack = () => {
  const given = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [{ filename, files, size }] = JSON.parse(execFileSync('npm', given, { cwd: sdk, encoding: 'utf8' }))
  const tarball = join(folder, filename)
  mkdirSync(unpacked, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', unpacked])
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  return { tarball, paths: files.map(({ path }) => path), size }
}

const findStrangers = ({ paths, size }) => {
  for (const wanted of ['LICENSE', 'README.md', 'dist/cjs/sdk.js', 'dist/cjs/sdk.d.ts', 'dist/esm/sdk.js'])
    if (!paths.includes(wanted)) throw new Fault(`the package lacks ${wanted}`)
  const strangers = paths.filter((path) => !isWanted(path))
  if (strangers.length > 0) throw new Fault(`the package must not hold ${strangers.join(', ')}`)
  console.log(`     ${paths.length} files, ${size} bytes packed`)
}

const findDependencies = () => {
  const { dependencies = {}, bundleDependencies = [] } = JSON.parse(
    readFileSync(join(unpacked, 'package.json'), 'utf8'),
  )
  const names = [...Object.keys(dependencies), ...bundleDependencies]
  if (names.length > 0) throw new Fault(`it must do without dependencies, not need ${names.join(', ')}`)
}

const lintPackage = async () => {
  const { messages, pkg } = await publint({ pkgDir: unpacked, strict: true, pack: false })
  if (messages.length > 0) throw new Fault(messages.map((one) => formatMessage(one, pkg)).join('\n'))
}

const resolveTypes = ({ tarball }) =>
  run(join(tools, 'node_modules/@arethetypeswrong/cli/dist/index.js'), [tarball, '--no-color', '--no-emoji'])

/** As strangers use it: in both kinds of modules, with the declarations themselves checked, and without jose. */
const compileForUsers = () => {
  const program = readFileSync(join(sdk, 'test/types/program.ts'), 'utf8')
  const ours = program.replace("'authing-node-sdk'", "'@dialtone/sdk'")
  if (ours === program) throw new Fault('sdk/test/types/program.ts imports no authing-node-sdk')
  writeFileSync(join(folder, 'program.mts'), ours)
  writeFileSync(join(folder, 'program.cts'), ours)
  const strict = [
    '--strict',
    '--noEmit',
    '--skipLibCheck',
    'false',
    '--lib',
    'es2022,dom',
    '--target',
    'es2022',
  ]
  run(compiler, [...strict, '--module', 'nodenext', 'program.mts', 'program.cts'], { cwd: folder })
  run(compiler, [...strict, '--module', 'preserve', 'program.mts'], { cwd: folder })
}

/** @returns what a page would load */
const bundle = async (source) => {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    // Loaded when a token is to be verified, by who has installed it.
    external: ['jose'],
    logLevel: 'silent',
  })
  return outputFiles[0].text
}

const weigh = async () => {
  const text = await bundle(
    "import { AuthenticationClient } from '@dialtone/sdk'; globalThis.client = AuthenticationClient",
  )
  const { length } = gzipSync(text, { level: 9 })
  console.log(`     the client alone: ${text.length} bytes minified, ${length} compressed`)
  if (length >= mostBytes) throw new Fault(`the client alone is ${length} bytes, not under ${mostBytes}`)
}

const shake = async () => {
  const text = await bundle(
    "import { receivePassCode } from '@dialtone/sdk'; globalThis.receive = receivePassCode",
  )
  console.log(`     receivePassCode alone: ${text.length} bytes minified`)
  const dragged = ['api/v3', 'x-authing', 'jose'].filter((trace) => text.includes(trace))
  if (dragged.length > 0 || text.length > 1000)
    throw new Fault(`receivePassCode drags in more than itself: ${dragged.join(', ') || text}`)
}

const stepsFor = (packed) => [
  ['the generated files are up to date', () => run(join(tools, 'generate.mjs'), ['--check'])],
  ['the type tests pass under TypeScript 5', compileTests],
  ['the package holds its build and nothing else', () => findStrangers(packed)],
  ['it has no dependencies', findDependencies],
  ['publint finds nothing', lintPackage],
  ['every way of importing it finds its types', () => resolveTypes(packed)],
  ['it compiles where nothing else is installed', compileForUsers],
  [`the client alone is under ${mostBytes} bytes`, weigh],
  ['receivePassCode comes without the client', shake],
]

let faults = 0
try {
  const steps = stepsFor(pack())
  for (const [name, step] of steps) {
    try {
      await step()
      console.log(`ok   ${name}`)
    } catch (error) {
      faults += 1
      console.error(`FAILED   ${name}:\n${error instanceof Fault ? error.message : error.stack}`)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(faults === 0 ? 'the SDK is packed well' : `${faults} checks failed`)
process.exit(faults === 0 ? 0 : 1)
