# Dot-sourced by run.ps1 and check.ps1, the Windows side of ensure.sh: sets up when something has changed.

$Checkout = Split-Path -Parent (Split-Path -Parent $PSScriptRoot)
$VenvPython = Join-Path $Checkout ".venv\Scripts\python.exe"

function Get-Stamp {
    $home_line = Get-Content (Join-Path $Checkout ".venv\pyvenv.cfg") -ErrorAction SilentlyContinue
    $wish_file = Join-Path $Checkout ".venv\alcove-engine-flags"
    $wish = $env:ALCOVE_ENGINE_FLAGS
    if ($null -eq $wish -and (Test-Path $wish_file)) { $wish = [IO.File]::ReadAllText($wish_file) }
    $files = Get-ChildItem -File (Join-Path $Checkout "requirements\*.txt"), (Join-Path $PSScriptRoot "*.*"), (Join-Path $PSScriptRoot "alcove_setup\*.py")
    $sums = $files | Sort-Object FullName | ForEach-Object { (Get-FileHash $_.FullName -Algorithm SHA256).Hash }
    (@($Checkout, $env:PROCESSOR_IDENTIFIER, "$wish") + $home_line + $sums) -join "`n"
}

function Find-Python {
    $candidates = @(@($env:ALCOVE_PYTHON), @("py", "-3"), @("python3"), @("python"))
    foreach ($candidate in $candidates) {
        $program = $candidate[0]
        if (-not $program) { continue }
        $found = Get-Command $program -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
        if (-not $found -or $found.Source.StartsWith((Join-Path $Checkout ".venv\"))) { continue }
        $options = @($candidate | Select-Object -Skip 1)
        & $found.Source @options -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>$null
        if ($LASTEXITCODE -eq 0) { return @($found.Source) + $options }
    }
    throw "Alcove needs Python 3.11 or newer and finds none here. Install it from python.org, or set ALCOVE_PYTHON."
}

function Confirm-Setup([string]$Name, [string[]]$Options) {
    $note = Join-Path $Checkout ".venv\alcove-$Name.stamp"
    if ((Test-Path $VenvPython) -and (Test-Path $note) -and ([IO.File]::ReadAllText($note) -eq (Get-Stamp))) { return }
    $python = @(Find-Python)
    $arguments = @($python | Select-Object -Skip 1) + (Join-Path $PSScriptRoot "main.py") + @($Options | Where-Object { $_ })
    & $python[0] @arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
    [IO.File]::WriteAllText($note, (Get-Stamp))
}
