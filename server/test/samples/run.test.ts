// What a page's program is held to: it ends well.
import { expect, it } from 'vitest'
import { runProgram } from './run.ts'

it('gives what a program prints, once it has ended', async () => {
  expect(await runProgram("setTimeout(() => console.log('second'), 1)\nconsole.log('first')")).toBe(
    'first\nsecond\n',
  )
})

it.each([
  ['throws', "throw new Error('no such user')", 'no such user'],
  ['leaves a promise rejected', "Promise.reject(new Error('no such user'))", 'no such user'],
  [
    'ends itself with another code than 0',
    "console.log('no such user')\nprocess.exit(3)",
    /ended with 3.*no such user/s,
  ],
])('fails where a program %s', async (_name, program, said) => {
  await expect(runProgram(program)).rejects.toThrow(said)
})
