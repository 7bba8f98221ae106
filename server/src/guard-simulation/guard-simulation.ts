// The simulator of the guard: replays traffic, recorded or made, through a real server, and says what the guard cost
// honest people and what it kept from attackers (docs/guides/guard.md). No part of a running server.
export { attacks } from './attacks.ts'
export { readTraffic, type TrafficEvent, writeTraffic } from './events.ts'
export { type Answer, replay } from './replay.ts'
export { type Report, reportOf, tableOf } from './report.ts'
export { prepareServer } from './server.ts'
export { makeTraffic, type Recipe } from './traffic.ts'
