// Child processes: start, wait until they listen, read their CPU time, stop. None outlives the bench.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const running = new Set()
process.on('exit', () => {
  for (const child of running) child.kill('SIGINT')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** Starts a program with these environment variables and no others: no stray setting shall move a figure. */
export const startProcess = (command, args, { env = {}, uid, gid } = {}) => {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: '/',
    uid,
    gid,
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

export const stopProcess = async (child, signal = 'SIGTERM') => {
  if (!running.has(child)) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

export const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Waits until the process accepts connections on the port; rejects when it exits first, or after 60 s. */
export const waitForPort = async (child, port) => {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} exited with ${child.exitCode}`)
    if (await accepts(port)) return
    await sleep(50)
  }
  throw new Error(`nothing listens on port ${port} after 60 s`)
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

// Linux reports CPU time in ticks of 1/100 s (USER_HZ is 100 on every architecture that Node runs on).
const ticksPerSecond = 100

/**
 * CPU seconds, user and system, of a process and its descendants, the finished ones among them included.
 * NaN where there is no /proc.
 */
export const cpuSeconds = (pid) => {
  const rows = processRows()
  if (rows.length === 0) return Number.NaN
  const family = new Set([pid])
  let size = 0
  while (size !== family.size) {
    size = family.size
    for (const row of rows) if (family.has(row.parent)) family.add(row.pid)
  }
  return rows.filter((row) => family.has(row.pid)).reduce((sum, row) => sum + row.ticks, 0) / ticksPerSecond
}

const processRows = () => {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(processRow)
      .filter(Boolean)
  } catch {
    return []
  }
}

// proc(5): after the name in parentheses come state, ppid, … and, as fields 14 to 17, utime, stime, cutime,
// cstime.
const processRow = (name) => {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return { pid: Number(name), parent: Number(fields[1]), ticks }
  } catch {
    return undefined // it ended while we were reading
  }
}

/** CPU seconds that the machine was busy, or a hypervisor had taken it away. NaN where there is no /proc. */
export const machineCpuSeconds = () => {
  try {
    const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n')[0]
      .split(/ +/)
      .slice(1)
      .map(Number)
    return (user + nice + system + irq + softirq + steal) / ticksPerSecond
  } catch {
    return Number.NaN
  }
}
