// A machine may be too slow for all of the tests: what has not begun by the end that `.ci/run` names is skipped, and
// counted as such.
import { beforeEach } from 'vitest'

const end = Number(process.env['DIALTONE_TEST_END'] ?? Number.POSITIVE_INFINITY)

beforeEach(({ skip }) => skip(Date.now() > end, 'no time is left for it'))
