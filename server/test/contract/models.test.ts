import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import published from 'authing-node-sdk'
import { describe, expect, it } from 'vitest'
import { own } from '../support/contract.ts'
import { homes, unalike } from '../support/contract-methods.ts'

type Rows = Record<string, unknown>

const { bodies, replies }: { bodies: Rows; replies: Rows } = await import(
  '../../../sdk/tools/models.mjs' as string
)

const models = join(dirname(createRequire(import.meta.url).resolve('authing-node-sdk')), '../src/models')

/** Every value of an enum: `SendSMSDto.channel.CHANNEL_LOGIN`, and what stands there. */
const valuesOf = (tree: object, path: string[] = []): [string, string][] =>
  Object.entries(tree).flatMap(([name, value]) =>
    typeof value === 'string' ? [[[...path, name].join('.'), value]] : valuesOf(value, [...path, name]),
  )

/** Values that the published SDK has not, and why. */
const addedValues: Record<string, string> = {}

/** Methods that the published SDK has not, and why. */
const addedMethods: Record<string, string> = {
  client: 'for the other methods alone: protected',
  call: 'for the other methods alone: protected',
  callBare: 'for the other methods alone: protected',
}

const methodsOf = (prototype: object): string[] => {
  const above: object | null = Object.getPrototypeOf(prototype)
  const names = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')
  return above === null || above === Object.prototype ? names : [...methodsOf(above), ...names]
}

const ours = methodsOf(own.AuthenticationClient.prototype)
const theirs = methodsOf(published.AuthenticationClient.prototype)

describe('the models of our SDK', () => {
  it('each bear a name of the published one', () => {
    const names = [...Object.keys(bodies), ...Object.keys(replies)]

    expect(names.length).toBeGreaterThan(80)
    expect(names.filter((name) => !existsSync(join(models, `${name}.ts`)))).toEqual([])
  })

  it('have the values of its enums under its names, and the listed ones besides', () => {
    const known = new Map(valuesOf(published.Models))
    const added = valuesOf(own.Models).filter(([path, value]) => known.get(path) !== value)

    expect(valuesOf(own.Models).length).toBeGreaterThan(80)
    expect(added.map(([path]) => path).sort()).toEqual(Object.keys(addedValues).sort())
  })
})

describe('the methods of our SDK', () => {
  it('are those of the published one, and the listed ones besides', () => {
    expect(ours.filter((name) => !theirs.includes(name)).sort()).toEqual(Object.keys(addedMethods).sort())
  })

  it('are each called by a contract test, whose file says so', () => {
    const files = [...new Set(Object.values(homes))]
    const closed = files.filter((home) =>
      readFileSync(join(import.meta.dirname, `${home}.test.ts`), 'utf8').includes(`closeTable('${home}')`),
    )

    expect(Object.keys(homes).sort()).toEqual(ours.filter((name) => theirs.includes(name)).sort())
    expect(closed).toEqual(files)
    expect(Object.keys(homes)).toEqual(expect.arrayContaining(Object.keys(unalike)))
  })
})
