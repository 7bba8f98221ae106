// Copying with one click, and saying so.

const element = (id) => document.getElementById(id)

/** The Clipboard API exists only over HTTPS and on localhost; elsewhere the browser's old command still works. */
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const focused = document.activeElement
    const area = document.createElement('textarea')
    area.className = 'spoken'
    area.value = text
    document.body.append(area)
    area.select()
    const isCopied = document.execCommand('copy')
    area.remove()
    focused?.focus()
    return isCopied
  }
}

/** Says so where the person looks, and to those who listen. */
export const copyAndConfirm = async (text, place) => {
  const isCopied = await copy(text)
  place.textContent = isCopied ? 'Copied ✓' : 'Select it'
  element('spoken').textContent = isCopied ? 'Copied' : 'The browser did not allow copying'
  setTimeout(() => {
    place.textContent = 'Copy'
  }, 2000)
}
