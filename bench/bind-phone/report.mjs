// What the rounds mean: medians over the rounds, ratios round by round, and the page results.md.

// The figures of one round.
const describeRound = ({ pairsPerSecond, sendLatencies, bindLatencies, cpu }) => ({
  pairsPerSecond,
  cpu: { ...cpu, both: cpu.server + cpu.postgres },
  send: percentiles(sendLatencies),
  bind: percentiles(bindLatencies),
  pair: percentiles(sendLatencies.map((ms, i) => ms + bindLatencies[i])),
})

const percentiles = (latencies) => {
  const sorted = latencies.toSorted()
  const at = (share) => sorted[Math.ceil(share * sorted.length) - 1]
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The page. The first contender is the one that is set against the others. */
export const writePage = ({ date, facts, contenders }) => {
  const described = contenders.map(({ title, rounds }) => ({ title, rounds: rounds.map(describeRound) }))
  return `# Send an SMS code, bind the phone

Written by \`npm run bench:bind-phone\` on ${date}; what is measured, and how: [README](../README.md).
The values belong to this machine and this hour: read the ratios.
${described.some(wasDisturbed) ? `\n${disturbed}\n` : ''}
${Object.entries(facts)
  .map(([name, value]) => `- ${name}: ${value}`)
  .join('\n')}

## Ratios

The ratio of each round, then the median over the rounds; for pairs/s also the lowest and the highest.

${ratios(described)}

## Throughput and CPU time

Medians over the rounds.

${table(
  ['', 'pairs/s', 'by round', 'server, CPU ms a pair', 'PostgreSQL', 'driver', 'others'],
  described.map(({ title, rounds }) => [
    title,
    whole(median(rounds.map(pairsPerSecond))),
    rounds.map(pairsPerSecond).map(whole).join(' '),
    ...['server', 'postgres', 'driver', 'others'].map((who) =>
      median(rounds.map(({ cpu }) => cpu[who])).toFixed(2),
    ),
  ]),
)}

"Others" is the rest of the machine meanwhile, the kernel's own threads included: much of it means a bad hour.

## Latency, ms: p50 / p95 / p99

${table(
  ['', 'send', 'bind', 'pair'],
  described.map(({ title, rounds }) => [
    title,
    ...['send', 'bind', 'pair'].map((step) => latency(rounds, step)),
  ]),
)}
`
}

const disturbed =
  '**The machine was busy with other work ("others" below): do not quote these figures, run it again.**'

// In a quiet hour the rest of the machine takes about a tenth of what the server and PostgreSQL take.
const wasDisturbed = ({ rounds }) => median(rounds.map(({ cpu }) => cpu.others / cpu.both)) > 0.25

const pairsPerSecond = (round) => round.pairsPerSecond

const ratios = ([subject, ...peers]) =>
  peers.length === 0
    ? 'None: there was one contender.'
    : table(
        [
          `${subject.title} ÷ …`,
          'pairs/s',
          'pair, p50',
          'pair, p99',
          'CPU of server',
          'of PostgreSQL',
          'of both',
        ],
        peers.map((peer) => {
          const byRound = (figure) => subject.rounds.map((round, i) => figure(round) / figure(peer.rounds[i]))
          const speeds = byRound(pairsPerSecond)
          return [
            peer.title,
            `**${times(median(speeds))}** (${times(Math.min(...speeds))}–${times(Math.max(...speeds))})`,
            ...['p50', 'p99'].map((share) => times(median(byRound(({ pair }) => pair[share])))),
            ...['server', 'postgres', 'both'].map((who) => times(median(byRound(({ cpu }) => cpu[who])))),
          ]
        }),
      )

const latency = (rounds, step) =>
  ['p50', 'p95', 'p99']
    .map((share) => median(rounds.map((round) => round[step][share])).toFixed(1))
    .join(' / ')

// Padded as the formatter of this repository pads tables.
const table = (header, rows) => {
  const widths = header.map((_, i) => Math.max(3, ...[header, ...rows].map((cells) => cells[i].length)))
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  const pad = (cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
  return [pad(header), rule, ...rows.map(pad)].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const whole = (value) => Math.round(value).toLocaleString('en-US')
const times = (ratio) => `${ratio.toPrecision(2)}×`
