import { inspect } from 'node:util'

/**
 * A value that must not reach a log, a trace or an error: every way of printing it gives `[secret]`.
 * `reveal()` is the one way to the value, so that a search for it finds every use.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
