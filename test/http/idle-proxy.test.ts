import { test } from 'vitest'
import { settingsFor, waitInThreeWays } from '../support/three-ways.ts'
import { startApi } from './running.ts'

const lengths = { jobSeconds: 7, idleSeconds: 3 }

test('a job that takes longer than a proxy waits is waited for in each of the three ways', async () => {
  const api = await startApi({ long: 'command: [sh, -c, "sleep 7"]' }, settingsFor(lengths))
  await waitInThreeWays(api.url, { job: 'long' }, lengths)
  await api.close()
})
