"""Who is to get a course: written into a field, or as a file."""

from typing import Any, BinaryIO, Final, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy

from bursar.kernel.sheets import csv_of_workbook, is_workbook
from bursar.kernel.tables import Table
from bursar.pages.exports import Kind
from bursar.people.files import PeopleFile, read_people, table_of_people
from bursar.people.pasted import read_pasted

LONGEST_KEY: Final = 255
ONE_OF_BOTH: Final = gettext_lazy("Write people into the field, or choose a file.")
NOT_BOTH: Final = gettext_lazy("Write people into the field or choose a file, not both.")


class CourseForm(forms.Form):
    """Which course or run is to be assigned; `run` is the one preferred, or assigned alone where it is the content."""

    content = forms.CharField(max_length=LONGEST_KEY)
    run = forms.CharField(max_length=LONGEST_KEY, required=False)


class PeopleForm(forms.Form):
    """The people; `found` reads them, and raises `BadInput` as the readers do."""

    people = forms.CharField(
        label=gettext_lazy("People"),
        help_text=gettext_lazy(
            "One address on each line. You can also paste cells of a spreadsheet, with their headings or without."
        ),
        required=False,
        widget=forms.Textarea(attrs={"rows": 9, "spellcheck": "false", "autocomplete": "off", "inputmode": "email"}),
    )
    file = forms.FileField(label=gettext_lazy("Or a file"), required=False, allow_empty_file=True)

    def clean(self) -> dict[str, Any]:
        """Take exactly one of both."""
        given = [bool(self.cleaned_data.get("people", "").strip()), bool(self.cleaned_data.get("file"))]
        if all(given):
            raise forms.ValidationError(NOT_BOTH)
        if not any(given):
            raise forms.ValidationError(ONE_OF_BOTH)
        return self.cleaned_data

    def found(self) -> PeopleFile:
        """Return who is named; raises `BadInput` for a fault of the whole."""
        sent = self.cleaned_data.get("file")
        return people_of_file(sent) if sent else read_pasted(self.cleaned_data["people"])


class ResultFileForm(forms.Form):
    """The file whose rows are to be shown beside what became of them."""

    file = forms.FileField(label=gettext_lazy("The file that you sent"), allow_empty_file=True)

    def table(self) -> tuple[Kind, Table]:
        """Return of which kind the file is, and its rows; raises `BadInput` for a fault of the whole."""
        source = cast("BinaryIO", self.cleaned_data["file"].file)
        kind = Kind.XLSX if is_workbook(source) else Kind.CSV
        return kind, table_of_people(_as_csv(source))


def people_of_file(sent: "UploadedFile[Any]") -> PeopleFile:
    """Return the people of a CSV file or a workbook; raises `BadInput` as `read_people` and `csv_of_workbook` do."""
    return read_people(_as_csv(cast("BinaryIO", sent.file)), limited=True)


def _as_csv(source: BinaryIO) -> BinaryIO:
    return csv_of_workbook(source) if is_workbook(source) else source
