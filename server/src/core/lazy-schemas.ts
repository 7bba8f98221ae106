// Fastify compiles the schemas of every route before it listens. Compiled when a route is first called instead, a
// server is up in a fraction of the time, and so is each of the many that the tests start.
import ajvCompiler from '@fastify/ajv-compiler'
import serializerCompiler from '@fastify/fast-json-stringify-compiler'
import type { FastifyServerOptions } from 'fastify'

type Validate = ((value: unknown) => unknown) & { errors?: unknown }
type Serialize = (value: unknown) => string

const lazyValidate = (compile: () => Validate): Validate => {
  let compiled: Validate | undefined
  const validate: Validate = (value) => {
    compiled ??= compile()
    const result = compiled(value)
    // Fastify reads the faults from the function that it called.
    validate.errors = compiled.errors
    return result
  }
  return validate
}

const lazySerialize = (compile: () => Serialize): Serialize => {
  let compiled: Serialize | undefined
  return (value) => {
    compiled ??= compile()
    return compiled(value)
  }
}

/** What was compiled, by its schema: for a process that builds several servers, as the tests do. */
export type CompiledSchemas = Map<string, unknown>

type Controller = NonNullable<FastifyServerOptions['schemaController']>

/** Fastify's own compilers, each of them made, and each call of them put off, until it is needed. */
export const createLazySchemas = (compiled: CompiledSchemas = new Map()): Controller => {
  const once = <Compiled>(kind: string, route: unknown, compile: () => Compiled): Compiled => {
    const key = `${kind} ${JSON.stringify((route as { schema?: unknown }).schema)}`
    if (!compiled.has(key)) compiled.set(key, compile())
    return compiled.get(key) as Compiled
  }
  return {
    compilersFactory: {
      buildValidator: (externalSchemas: unknown, options: unknown) => {
        let compiler: ((route: unknown) => Validate) | undefined
        const compile = (route: unknown): Validate => {
          compiler ??= ajvCompiler()(externalSchemas as never, options as never) as never
          return (compiler as (route: unknown) => Validate)(route)
        }
        return (route: unknown) => lazyValidate(() => once('validate', route, () => compile(route))) as never
      },
      buildSerializer: (externalSchemas: unknown, options: unknown) => {
        let compiler: ((route: unknown) => Serialize) | undefined
        const compile = (route: unknown): Serialize => {
          compiler ??= serializerCompiler.default()(externalSchemas, options as never) as never
          return (compiler as (route: unknown) => Serialize)(route)
        }
        return (route: unknown) => lazySerialize(() => once('serialize', route, () => compile(route)))
      },
    },
  }
}
