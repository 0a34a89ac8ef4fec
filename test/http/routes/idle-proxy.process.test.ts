import { test } from 'vitest'
import { settingsFor, waitInThreeWays } from '../../support/api/three-ways.ts'
import { startApi } from '../running.ts'

const lengths = { jobSeconds: 7, idleSeconds: 3 }

test("each of the three ways to wait for a job outlasts a proxy's idle timeout", async () => {
  const api = await startApi({ long: 'command: [sh, -c, "sleep 7"]' }, settingsFor(lengths))
  await waitInThreeWays(api.url, { job: 'long' }, lengths)
  await api.close()
})
