import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { choose, facts } from './test/support/choose.ts'

const takesTheNode = ['test/faults/**/*.outage.test.ts']
const needsCluster = ['test/**/*.cluster.test.ts', 'test/e2e/**/*.test.ts', 'test/faults/**/*.test.ts']
const needsStore = ['test/**/*.store.test.ts']

const unit: TestProjectConfiguration = {
  test: {
    name: 'unit',
    include: ['test/**/*.test.ts'],
    exclude: [...needsCluster, ...needsStore],
    testTimeout: 20_000,
    // A second, the default, is little on a machine with other work.
    expect: { poll: { timeout: 10_000 } },
    sequence: { groupOrder: 0 },
  },
}
const store: TestProjectConfiguration = {
  test: {
    name: 'store',
    include: needsStore,
    globalSetup: 'test/support/store-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { groupOrder: 1 },
  },
}
const cluster: TestProjectConfiguration = {
  test: {
    name: 'cluster',
    include: needsCluster,
    exclude: takesTheNode,
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // They wait for the kubelet most of the time; more pods at once disturb each other's times on two processors.
    maxWorkers: 3,
    sequence: { groupOrder: 2 },
  },
}
const outages: TestProjectConfiguration = {
  test: {
    name: 'outages',
    include: takesTheNode,
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Each takes the kubelet, the API server or the node's room from everybody.
    fileParallelism: false,
    sequence: { groupOrder: 3 },
  },
}

export default defineConfig(async () => ({
  test: {
    reporters: process.env.CI ? ['verbose'] : ['default'],
    // The last of it checks that no object is left, which takes as long as removing a namespace.
    teardownTimeout: 120_000,
    projects: (await canHaveCluster()) ? [unit, store, cluster, outages] : [unit],
  },
}))

/** Asks without bringing anything up; where the answer is no, it says so once, and with CI set it throws. */
async function canHaveCluster(): Promise<boolean> {
  const available = facts()
  // Test/cluster does it, whatever Docker says.
  if (available.canBringUp && !process.env.KUBECONFIG) return true
  const choice = await choose(available)
  if (choice.kind !== 'none') return true
  const message = `not run: the tests that need a cluster or a store (${choice.why})`
  if (process.env.CI) throw new Error(message)
  console.warn(message)
  return false
}
