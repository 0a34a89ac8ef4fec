import { expect, it } from 'vitest'
import {
  type FlowMessage,
  type FlowState,
  flowMessages,
  flowStates,
  isTerminalFlowState,
  transition,
} from '../../../../src/dataspaces/signaling/flows/flow-states.ts'

/** The effect of each message in each state, data ready: a state, `=` repeated, `-` refused. */
const table: Record<FlowState, Record<FlowMessage, FlowState | '=' | '-'>> = {
  INITIALIZED: row({ prepare: 'PREPARED', start: 'STARTED' }),
  PREPARING: row({ ready: 'PREPARED', terminate: 'TERMINATED' }),
  PREPARED: row({ start: 'STARTED', started: 'STARTED', terminate: 'TERMINATED' }),
  STARTING: row({ ready: 'STARTED', terminate: 'TERMINATED' }),
  STARTED: row({ started: '=', suspend: 'SUSPENDED', completed: 'COMPLETED', terminate: 'TERMINATED' }),
  SUSPENDED: row({ suspend: '=', resume: 'STARTED', terminate: 'TERMINATED' }),
  COMPLETED: row({ completed: '=' }),
  TERMINATED: row({ terminate: '=' }),
}

const cases = flowStates.flatMap((state) =>
  flowMessages.map((message) => [message, state, table[state][message]] as const),
)

it.each(cases)('the effect of %s in %s is %s', (message, state, expected) => {
  expect(shown(transition(state, message, { dataReady: true }))).toBe(expected)
})

it.each([
  ['prepare', 'INITIALIZED', 'PREPARING'],
  ['start', 'INITIALIZED', 'STARTING'],
  ['start', 'PREPARED', 'STARTING'],
] as const)('waits for unfinished data after %s in %s', (message, state, expected) => {
  expect(shown(transition(state, message, { dataReady: false }))).toBe(expected)
})

it.each([
  ['resume', 'STARTED', 'resume', '='],
  ['resume', 'STARTED', 'start', '-'],
  ['ready', 'STARTED', 'ready', '='],
  ['ready', 'STARTED', 'resume', '-'],
  ['ready', 'PREPARED', 'ready', '='],
  ['ready', 'PREPARED', 'prepare', '-'],
] as const)('decides whether %s in %s, reached by %s, is a repeat: %s', (message, state, by, expected) => {
  expect(shown(transition(state, message, { dataReady: true, by }))).toBe(expected)
})

it('leaves no terminal state on any message', () => {
  for (const state of flowStates.filter(isTerminalFlowState)) {
    for (const message of flowMessages) {
      for (const dataReady of [true, false]) {
        for (const by of flowMessages) {
          expect(transition(state, message, { dataReady, by })).not.toHaveProperty('to')
        }
      }
    }
  }
  expect(flowStates.filter(isTerminalFlowState)).toEqual(['COMPLETED', 'TERMINATED'])
})

function row(
  given: Partial<Record<FlowMessage, FlowState | '='>>,
): Record<FlowMessage, FlowState | '=' | '-'> {
  const refused = Object.fromEntries(flowMessages.map((message) => [message, '-']))
  return { ...refused, ...given } as Record<FlowMessage, FlowState | '=' | '-'>
}

function shown(outcome: ReturnType<typeof transition>): string {
  if (typeof outcome === 'object') return outcome.to
  return outcome === 'repeat' ? '=' : '-'
}
