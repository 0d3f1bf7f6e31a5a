if ($PSVersionTable.PSVersion.Major -lt 3) {
  [Console]::Error.WriteLine('error: this PowerShell is older than version 3')
  exit 1
}
$ProgressPreference = 'SilentlyContinue'
if (Test-Path variable:PSStyle) { $PSStyle.OutputRendering = 'PlainText' }
$OutputEncoding = New-Object System.Text.UTF8Encoding $false
try { [Console]::OutputEncoding = $OutputEncoding } catch { } # there may be no console
$everest_home = $PSScriptRoot

function everest_bytes($name) {
  , [IO.File]::ReadAllBytes([IO.Path]::Combine($everest_home, $name))
}

function everest_array($name, $type, $length) {
  $bytes = everest_bytes $name
  $array = [Array]::CreateInstance($type, $length)
  [Buffer]::BlockCopy($bytes, 0, $array, 0, $bytes.Length)
  , $array
}

function everest_fail($message, $line) {
  $first, $others = $message -split '\r?\n'
  $place = ''
  if ($line) { $place = " (line $line of the cell)" }
  [Console]::Error.WriteLine("error: $first$place")
  foreach ($other in $others) { [Console]::Error.WriteLine($other) }
}
