function everest_why($value, $depth) {
  # why a value cannot travel; empty when it can
  if ($depth -gt 100) { return 'it is nested more than 100 levels deep' }
  if ($null -eq $value) { return '' }
  if ($value -is [string]) {
    try { $null = $everest_utf8.GetByteCount($value) } catch { return 'its text has half a surrogate pair' }
    return ''
  }
  if ($value -is [Collections.IDictionary]) {
    foreach ($entry in $value.GetEnumerator()) {
      if ($entry.Key -isnot [string] -or $entry.Key.Length -eq 0 -or $entry.Key.Length -gt 1000) {
        return 'a dictionary whose keys are not all texts of up to 1000 characters cannot travel'
      }
      $why = everest_why $entry.Key 0
      if ($why -eq '') { $why = everest_why $entry.Value ($depth + 1) }
      if ($why -ne '') { return $why }
    }
    return ''
  }
  if ($value -is [Management.Automation.PSCustomObject]) {
    foreach ($property in $value.PSObject.Properties) {
      $why = everest_why $property.Name 0
      if ($why -eq '') { $why = everest_why $property.Value ($depth + 1) }
      if ($why -ne '') { return $why }
    }
    return ''
  }
  if ($value -is [Array] -and $value.Rank -ne 1) { return 'an array of more than one dimension cannot travel' }
  if ($value -is [byte[]] -or $everest_arrays.ContainsKey($value.GetType())) { return '' }
  if ($value -is [Collections.IList]) {
    for ($i = 0; $i -lt $value.Count; $i++) {
      $why = everest_why $value[$i] ($depth + 1)
      if ($why -ne '') { return $why }
    }
    return ''
  }
  if ($everest_scalars -contains $value.GetType()) { return '' }
  return "a value of type $($value.GetType().FullName) cannot travel: make it a text, a number, a list or a dictionary"
}

function everest_head($text) {
  $bytes = [Text.Encoding]::ASCII.GetBytes($text + "`n")
  $everest_file.Write($bytes, 0, $bytes.Length)
}

function everest_record($name, $kind, $shape, $bytes) {
  everest_head "$name $kind $shape $($bytes.Length)"
  $everest_file.Write($bytes, 0, $bytes.Length)
  $everest_file.WriteByte(10)
}

function everest_text($name, $kind, $text) {
  everest_record $name $kind '-' ($everest_utf8.GetBytes($text))
}

function everest_put($name, $value) {
  if ($null -eq $value) { everest_text $name 'none' '' }
  elseif ($value -is [string]) { everest_text $name 'str' $value }
  elseif ($value -is [Collections.IDictionary]) {
    $entries = @($value.GetEnumerator())
    everest_head "$name dict - $($entries.Length)"
    foreach ($entry in $entries) { everest_put ([Uri]::EscapeDataString($entry.Key)) $entry.Value }
  }
  elseif ($value -is [Management.Automation.PSCustomObject]) {
    $entries = @($value.PSObject.Properties)
    everest_head "$name dict - $($entries.Length)"
    foreach ($entry in $entries) { everest_put ([Uri]::EscapeDataString($entry.Name)) $entry.Value }
  }
  elseif ($value -is [byte[]]) { everest_record $name 'bytes' '-' $value }
  elseif ($value -is [Array] -and $everest_arrays.ContainsKey($value.GetType())) {
    $bytes = New-Object byte[] ([Buffer]::ByteLength($value))
    [Buffer]::BlockCopy($value, 0, $bytes, 0, $bytes.Length)
    everest_record $name $everest_arrays[$value.GetType()] $value.Length $bytes
  }
  elseif ($value -is [Collections.IList]) {
    everest_head "$name list - $($value.Count)"
    for ($i = 0; $i -lt $value.Count; $i++) { everest_put '-' $value[$i] }
  }
  else { everest_scalar $name $value }
}

function everest_scalar($name, $value) {
  $culture = [Globalization.CultureInfo]::InvariantCulture
  if ($value -is [bool]) { everest_text $name 'bool' ([string][int]$value) }
  elseif ($value -is [char]) { everest_text $name 'str' ([string]$value) }
  elseif ($value -is [decimal]) { everest_text $name 'decimal' $value.ToString($culture) }
  elseif ($value -is [double] -or $value -is [single]) {
    $number = [double]$value
    if ([double]::IsNaN($number)) { $text = 'nan' }
    elseif ([double]::IsInfinity($number)) { if ($number -gt 0) { $text = 'inf' } else { $text = '-inf' } }
    elseif ($number -eq 0 -and [BitConverter]::DoubleToInt64Bits($number) -ne 0) { $text = '-0.0' } # .NET 4 has no sign
    else { $text = $number.ToString('G17', $culture) }
    everest_text $name 'float' $text
  }
  else { everest_text $name 'int' $value.ToString('D', $culture) }
}
