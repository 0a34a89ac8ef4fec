import { join } from 'node:path'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { choose, facts } from './test/support/cluster/choose.ts'
import { LongestFirst } from './test/support/longest-first.ts'
import { patience } from './test/support/time/patience.ts'

// Docs/decisions/tests/004.
const retry = process.env.CI && !process.env.FAULTS_ROUNDS ? 1 : 0

// Loading the modules takes half the time; workers and the programs that tests start inherit it.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/node-compile')

const takesTheNode = ['test/faults/**/*.outage.test.ts']
const needsCluster = ['test/**/*.cluster.test.ts', 'test/e2e/**/*.test.ts', 'test/faults/**/*.test.ts']
const needsStore = ['test/**/*.store.test.ts']
const startsProcesses = ['test/**/*.process.test.ts']

// What fetch() gets from the API has to be as the OpenAPI document says.
const setupFiles = ['test/http/openapi/check-fetch.ts']

const unit: TestProjectConfiguration = {
  test: {
    name: 'unit',
    setupFiles,
    include: ['test/**/*.test.ts'],
    exclude: [...needsCluster, ...needsStore, ...startsProcesses],
    globalSetup: 'test/support/files/memory-folder.ts',
    ...within(20),
    maxWorkers: 3,
    // V8 begins with a small heap and marks all of it at each growth: a tenth of the tests' time.
    execArgv: ['--initial-heap-size=512'],
    // No unit test changes a module: loading all modules anew for each file took most of the time.
    isolate: false,
    // Node strips the types itself, in less time than Vite.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    sequence: { groupOrder: 0 },
  },
}
const processes: TestProjectConfiguration = {
  test: {
    name: 'process',
    setupFiles,
    include: startsProcesses,
    retry,
    ...within(60),
    // They wait for programs most of the time.
    maxWorkers: 3,
    sequence: { groupOrder: 1 },
  },
}
const store: TestProjectConfiguration = {
  test: {
    name: 'store',
    setupFiles,
    include: needsStore,
    retry,
    globalSetup: 'test/support/store/store-setup.ts',
    ...within(150),
    // With the processes, whose files wait while these compute.
    maxWorkers: 3,
    sequence: { groupOrder: 1 },
  },
}
const cluster: TestProjectConfiguration = {
  test: {
    name: 'cluster',
    setupFiles,
    include: needsCluster,
    exclude: takesTheNode,
    retry,
    globalSetup: 'test/support/cluster/global-setup.ts',
    ...within(120),
    // They wait for the kubelet most of the time; more pods at once disturb each other's times on
    // two processors.
    maxWorkers: 3,
    sequence: { groupOrder: 2 },
  },
}
const outages: TestProjectConfiguration = {
  test: {
    name: 'outages',
    setupFiles,
    include: takesTheNode,
    retry,
    globalSetup: 'test/support/cluster/global-setup.ts',
    ...within(180),
    // Each takes the kubelet, the API server or the node's room from everybody.
    fileParallelism: false,
    sequence: { groupOrder: 3 },
  },
}

/** Limits of a test and of a hook that take so many seconds on a quiet machine. */
function within(seconds: number) {
  const milliseconds = seconds * 1000 * patience
  const expect = { poll: { timeout: 10_000 * patience } }
  return { testTimeout: milliseconds, hookTimeout: milliseconds, expect }
}

export default defineConfig(async () => ({
  test: {
    reporters: [process.env.CI ? 'verbose' : 'default', './test/support/second-tries.ts'],
    // The last of it checks that no object is left, which takes as long as removing a namespace.
    teardownTimeout: 120_000 * patience,
    sequence: { sequencer: LongestFirst },
    projects: (await canHaveCluster()) ? [unit, processes, store, cluster, outages] : [unit, processes],
  },
}))

/**
 * Asks without bringing anything up; where the answer is no, it says so once, and with CI set it
 * throws.
 */
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
