import { StoreError } from './store.ts'

/**
 * Throws StoreError `invalid` for a key that one of the adapters cannot store under that exact
 * name.
 */
export function checkKey(key: string): void {
  const problem = problemOfKey(key)
  if (problem !== undefined) throw new StoreError('invalid', `the key ${JSON.stringify(key)} ${problem}`)
}

/**
 * Throws StoreError `invalid` for a prefix with which no allowed key begins. The last component is
 * not checked, as it may be incomplete.
 */
export function checkPrefix(prefix: string): void {
  const folder = prefix.slice(0, prefix.lastIndexOf('/'))
  if (prefix.includes('/')) checkKey(folder)
}

function problemOfKey(key: string): string | undefined {
  if (key === '') return 'is empty'
  // A lone surrogate has no UTF-8 encoding: two different keys would become the same bytes.
  if (!key.isWellFormed()) return 'is no valid Unicode'
  if (Buffer.byteLength(key) > 1024) return 'has more than 1024 bytes'
  if (hasControlCharacter(key)) return 'has a control character'
  for (const component of key.split('/')) {
    if (component === '') return 'has an empty component'
    if (component === '.' || component === '..') return `has the component "${component}"`
  }
  return undefined
}

function hasControlCharacter(key: string): boolean {
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index)
    if (unit < 0x20 || unit === 0x7f) return true
  }
  return false
}
