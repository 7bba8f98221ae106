// The order of the test files: what tells most in least time comes first, so that a run that is cut short has seen it.
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const turnOf = ({ project, moduleId }: TestSpecification): number => {
  // The server as a process of its own: few tests that take long.
  if (moduleId.includes('/test/process/')) return 4
  if (/\/test\/(pages|samples)\//.test(moduleId)) return 3
  return { postgres: 1, pglite: 2 }[project.name] ?? 0
}

export class Sequencer extends BaseSequencer {
  /** Of one turn in the order of Vitest: the largest files first. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.sort((one, other) => turnOf(one) - turnOf(other))
  }
}
